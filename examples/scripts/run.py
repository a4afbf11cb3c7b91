"""Logs a metric, starts a run, waits for it and fetches what it produced: Python's standard library, over HTTPS."""
import hashlib
import json
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

address = sys.argv[1] if len(sys.argv) > 1 else "https://127.0.0.1:8000"
ca = sys.argv[2] if len(sys.argv) > 2 else ".millrace/tls/ca.pem"

try:
    trusted = ssl.create_default_context(cafile=ca)
except OSError as cause:
    sys.exit(f"{ca} is no CA file, as the first start makes one: {cause}. Start Millrace with: npm start, or name it")


def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, context=trusted) as answer:
            return answer.read(), answer.headers
    except urllib.error.HTTPError as refusal:
        sys.exit(f"{address}{path} answers {refusal.code}: {json.load(refusal)['detail']}")
    except urllib.error.URLError as cause:
        sys.exit(f"Nobody answers at {address}: {cause.reason}. Start Millrace with: npm start, or name its address")


def api(path, body=None, **said):
    query = "?" + urllib.parse.urlencode(said) if said else ""
    return json.loads(ask(path + query, body)[0])


def until(there):
    while not (found := there()):
        time.sleep(0.2)
    return found


drift = {"key": "drift", "value": 0.75}
api("/api/facts", {"pipeline": "root_pipeline", "type": "tracking.metric-logged", "data": drift})

# The id names the request, and the request says which run it became: one at a time, so ours may be queued at first.
request = str(uuid.uuid4())
after = api("/api/pipelines/root_pipeline/runs", {"message": "from Python", "id": request})["position"]


def became():
    requests = api("/api/requests", pipeline="root_pipeline", after=after)["items"]
    return next(one["run"] for one in requests if one["request"] == request)


def ended():
    one = api(f"/api/runs/{run}", only="nodes")
    return one if one["endedAt"] else None


run = until(became)
print(run, until(ended)["state"])

for made in api("/api/artifacts/history", run=run, what="produced")["items"]:
    path = urllib.parse.urlencode({"path": made["path"], "digest": made["digest"]})
    content, _ = ask(f"/api/artifacts/{made['store']}/content?{path}")
    if hashlib.sha256(content).hexdigest() != made["digest"]:
        sys.exit(f"{made['path']} came with other bytes than those that were recorded")
    print(f"{made['path']}: {len(content)} bytes, verified")
