#!/usr/bin/env bash
# Publishes a metric and reads it back, over HTTP, trusting the CA that the first start made and nothing else.
set -euo pipefail
address=${1:-https://127.0.0.1:8000}
ca=${2:-.millrace/tls/ca.pem}
api() { curl --fail-with-body --silent --show-error --cacert "$ca" "$@"; }

after=$(api "$address/api/facts" -H 'content-type: application/json' \
  -d '{"pipeline":"root_pipeline","type":"tracking.metric-logged","data":{"key":"drift","value":0.5}}' |
  sed 's/.*"position":"\([^"]*\)".*/\1/')
api "$address/api/metrics?key=drift&after=$after"
echo
