#!/usr/bin/env bash
# Publishes a metric and reads it back, over HTTP, trusting the CA that the first start made and nothing else.
set -euo pipefail
address=${1:-https://127.0.0.1:8000}
ca=${2:-.millrace/tls/ca.pem}
api() { curl --fail-with-body --silent --show-error --cacert "$ca" "$@"; }

after=$(api "$address/api/facts" -H 'content-type: application/json' \
  -d '{"pipeline":"root_pipeline","type":"tracking.metric-logged","data":{"key":"drift","value":0.5}}' |
  sed 's/.*"position":"\([^"]*\)".*/\1/')

# Metrics come oldest first, a page at a time: ours is the one at the position that the answer named.
wanted="$address/api/metrics?key=drift&limit=1000&after=$after"
page=$(api "$wanted")
until grep -o "{[^{}]*\"position\":\"$after\"[^{}]*}" <<<"$page"; do
  next=$(sed -n 's/.*"next":"\([^"]*\)".*/\1/p' <<<"$page")
  [ -n "$next" ] || { echo "no metric at $after" >&2; exit 1; }
  page=$(api "$wanted&cursor=$next")
done
