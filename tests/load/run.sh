#!/usr/bin/env bash
# CPU of the server for each request: `resource-server` against a server written by hand with
# jsonwebtoken, and against the least that a server can do. Needs wrk. All rows are measured in turn,
# ROUNDS times (default 15) for SECONDS_EACH (default 2), since a machine that others use as well is
# not always as fast; each figure is the median of the rounds.
set -euo pipefail
cd "$(dirname "$0")/../.."

command -v wrk >/dev/null || { echo "tests/load/run.sh: wrk is needed (apt-get install wrk)" >&2; exit 1; }
each=${SECONDS_EACH:-2}
cargo build --release --quiet -p example-resource-server --example resource-server
cargo build --release --quiet -p jwt-verify-tests --example hand-rolled
bin=${CARGO_TARGET_DIR:-target}/release/examples
work=$(mktemp -d)
pids=()
finish() { kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT

export TOKENS=$work/tokens AUDIENCE=https://api.example.com
export OPAQUE_TOKENS=$work/opaque KEYS=$work/keys STORED_KEYS=${STORED_KEYS:-1000000}
keys_file=$work/keys.json keys_secret=$(head -c 32 /dev/urandom | base64)
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_for() { until curl -sf -o /dev/null "http://127.0.0.1:$1/public"; do sleep 0.05; done; }

hand=$(port); ours=$(port); forgetful=$(port); others=$(port)
BIND_ADDR=127.0.0.1:$hand API_KEYS_FILE=$keys_file API_KEY_SECRET=$keys_secret "$bin/hand-rolled" >"$work/issuer" & pids+=($!); hand_pid=$!
wait_for "$hand"
export JWT_ISSUER; JWT_ISSUER=$(head -1 "$work/issuer")
export JWT_AUDIENCE=$AUDIENCE WORKERS=1 RUST_LOG=warn
BIND_ADDR=127.0.0.1:$ours "$bin/resource-server" & pids+=($!); ours_pid=$!
BIND_ADDR=127.0.0.1:$forgetful JWT_TOKEN_CACHE=0 "$bin/resource-server" & pids+=($!); forgetful_pid=$!
BIND_ADDR=127.0.0.1:$others API_KEYS_FILE=$keys_file API_KEY_SECRET=$keys_secret \
  JWT_INTROSPECTION_URL=http://127.0.0.1:$hand/introspect JWT_INTROSPECTION_CLIENT_ID=api \
  JWT_INTROSPECTION_CLIENT_SECRET=secret JWT_INTROSPECTION_CACHE=3600 JWT_ALLOW_HTTP=127.0.0.1 \
  "$bin/resource-server" & pids+=($!); others_pid=$!
wait_for "$ours"; wait_for "$forgetful"; wait_for "$others"

ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
# What one round says, in microseconds of CPU for each request: round row pid port path tokens (0 for
# none) [file [header]]
measure() {
  local round=$1 row=$2 pid=$3 url=http://127.0.0.1:$4 before out script=()
  export ROUTE=$5 MOST=$6 CREDENTIALS=${7:-$TOKENS} HEADER=${8-}
  [ -n "$HEADER" ] || unset HEADER
  [ "$6" = 0 ] || script=(-s tests/load/tokens.lua)
  before=$(ticks "$pid")
  out=$(wrk -t1 -c16 -d"${each}s" "${script[@]}" "$url$5")
  if grep -q 'Non-2xx' <<<"$out"; then echo "requests were refused" >&2; exit 1; fi
  awk -v round="$round" -v row="$row" -v ticks=$(($(ticks "$pid") - before)) -v hz="$(getconf CLK_TCK)" \
    '/requests in/ { print round, row, ticks * 1e6 / hz / $1 }' <<<"$out" >>"$work/measured"
}
# The first round warms everything up and is not counted.
for round in $(seq 0 "${ROUNDS:-15}"); do
  measure "$round" public "$ours_pid" "$ours" /public 0
  measure "$round" unread "$ours_pid" "$ours" /public 1
  measure "$round" one "$ours_pid" "$ours" /protected 1
  measure "$round" many "$ours_pid" "$ours" /protected 2000
  measure "$round" others-public "$others_pid" "$others" /public 0
  measure "$round" jwts "$others_pid" "$others" /protected 2000
  measure "$round" opaque "$others_pid" "$others" /protected 2000 "$OPAQUE_TOKENS"
  measure "$round" keys "$others_pid" "$others" /protected 2000 "$KEYS" X-Api-Key
  measure "$round" bearer-keys "$others_pid" "$others" /protected 2000 "$KEYS"
  measure "$round" off-public "$forgetful_pid" "$forgetful" /public 0
  measure "$round" off "$forgetful_pid" "$forgetful" /protected 2000
  measure "$round" hand-public "$hand_pid" "$hand" /public 0
  measure "$round" hand "$hand_pid" "$hand" /protected 2000
  measure "$round" signature "$hand_pid" "$hand" /signature 2000
done
python3 tests/load/report.py <"$work/measured"
