#!/usr/bin/env bash
# The whole file transfer, twice: the leaf first, then the root first. Two processes with nothing shared but the bus, each
# with folders and state of its own. Checks every byte, every transfer, every run number; not 0 if anything is off.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
node="$project/node_modules/.bin/node"
[ -x "$node" ] || { echo "run npm ci in $project first" >&2; exit 1; }
free_port() { "$node" -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }

work=$(mktemp -d)
pids=()
clean_up() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  pids=()
}
finish() {
  code=$?
  clean_up
  if [ $code -ne 0 ]; then tail -n 30 "$work"/*/*.log >&2 || true; else rm -rf "$work"; fi
  exit $code
}
trap finish EXIT

# start <machine> <config> <port>: one pipeline, in the background, on a machine of its own.
start() {
  "$node" "$project/bin/millrace.cjs" up "$here/$2" --nats "$nats" --port "$3" --state "$at/$1/state" --base "$at/$1" >"$at/$1.log" 2>&1 &
  pids+=($!)
}

for order in "leaf root" "root leaf"; do
  at="$work/${order// /-}"
  mkdir -p "$at/root" "$at/leaf"
  nats_port=$(free_port)
  nats="nats://127.0.0.1:$nats_port"
  echo "== ${order% *} first"
  "$node" "$project/bin/millrace.cjs" nats --port "$nats_port" --state "$at/nats" >"$at/nats.log" 2>&1 &
  pids+=($!)
  root_port=$(free_port) leaf_port=$(free_port)
  for machine in $order; do
    port="${machine}_port"
    start "$machine" "$machine.ts" "${!port}"
  done
  (cd "$project" && "$node" --conditions=source "$here/check.ts" --nats "$nats" --root "$at/root" --leaf "$at/leaf" \
    --web "https://127.0.0.1:$root_port" --leaf-web "https://127.0.0.1:$leaf_port")
  clean_up
done
echo "file transfer: all as it should be"
