#!/usr/bin/env bash
# Logs a metric, starts a run, waits for it and fetches what it produced, with the verbs of millrace.
set -euo pipefail
millrace() { ${MILLRACE:-npx millrace} "$@"; }
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
folder=${1:-$(mktemp -d)}

millrace metrics log drift 0.5 --pipeline root_pipeline

# One run at a time: while another is under way, ours is queued, and its request says which run it becomes.
asked=$(millrace runs start --pipeline root_pipeline --message "from a shell" --json)
request=$(field request <<<"$asked")
run=$(field run <<<"$asked")
until [ -n "$run" ]; do
  sleep 1
  run=$(millrace requests ls --json | { grep "$request" || true; } | field run)
done
millrace runs wait "$run"

for path in $(millrace artifacts history model_registry --run "$run" --what produced --json | field path); do
  millrace artifacts get model_registry "$path" --out "$folder/$path"
done
