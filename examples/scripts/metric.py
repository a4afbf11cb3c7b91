"""Publishes a metric and reads it back, with nothing but Python's standard library and the CA of the first start."""
import json
import ssl
import sys
import urllib.error
import urllib.request

address = sys.argv[1] if len(sys.argv) > 1 else "https://127.0.0.1:8000"
ca = sys.argv[2] if len(sys.argv) > 2 else ".millrace/tls/ca.pem"

try:
    trusted = ssl.create_default_context(cafile=ca)
except OSError as cause:
    sys.exit(f"{ca} is no CA file, as the first start makes one: {cause}. Start Millrace with: npm start, or name it")


def api(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, context=trusted) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        sys.exit(f"{address}{path} answers {refusal.code}: {json.load(refusal)['detail']}")
    except urllib.error.URLError as cause:
        sys.exit(f"Nobody answers at {address}: {cause.reason}. Start Millrace with: npm start, or name its address")


metric = {"key": "drift", "value": 0.75}
fact = {"pipeline": "root_pipeline", "type": "tracking.metric-logged", "data": metric}
after = api("/api/facts", fact)["position"]

# Metrics come oldest first, a page at a time: ours is the one at the position that the answer named.
wanted = "/api/metrics?key=drift&limit=1000&after=" + after
page = api(wanted)
while all(item["position"] != after for item in page["items"]) and page["next"]:
    page = api(wanted + "&cursor=" + page["next"])
print(next(item for item in page["items"] if item["position"] == after))
