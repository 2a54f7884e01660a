#!/usr/bin/env bash
# CPU of the server for each request: `resource-server` against a server written by hand with
# jsonwebtoken. Needs wrk; SECONDS_EACH (default 5) is the length of each measurement.
set -euo pipefail
cd "$(dirname "$0")/../.."

command -v wrk >/dev/null || { echo "tests/load/run.sh: wrk is needed (apt-get install wrk)" >&2; exit 1; }
each=${SECONDS_EACH:-5}
cargo build --release --quiet -p jwt-verify-examples --example resource-server
cargo build --release --quiet -p jwt-verify-tests --example hand-rolled
bin=${CARGO_TARGET_DIR:-target}/release/examples
work=$(mktemp -d)
pids=()
finish() { kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT

export TOKENS=$work/tokens AUDIENCE=https://api.example.com
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_for() { until curl -sf -o /dev/null "http://127.0.0.1:$1/public"; do sleep 0.05; done; }

hand=$(port); ours=$(port); forgetful=$(port)
BIND_ADDR=127.0.0.1:$hand "$bin/hand-rolled" >"$work/issuer" & pids+=($!); hand_pid=$!
wait_for "$hand"
export JWT_ISSUER; JWT_ISSUER=$(head -1 "$work/issuer")
export JWT_AUDIENCE=$AUDIENCE WORKERS=1 RUST_LOG=warn
BIND_ADDR=127.0.0.1:$ours "$bin/resource-server" & pids+=($!); ours_pid=$!
BIND_ADDR=127.0.0.1:$forgetful JWT_TOKEN_CACHE=0 "$bin/resource-server" & pids+=($!); forgetful_pid=$!
wait_for "$ours"; wait_for "$forgetful"

ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
# Microseconds of CPU for each request.
measure() { # pid port path tokens
  local before after out requests
  if [ "$4" = 0 ]; then set -- "$1" "$2" "$3" ""; else set -- "$1" "$2" "$3" "-s tests/load/tokens.lua"; fi
  # shellcheck disable=SC2086
  wrk -t1 -c16 -d1s $4 "http://127.0.0.1:$2$3" >/dev/null
  before=$(ticks "$1")
  # shellcheck disable=SC2086
  out=$(wrk -t1 -c16 -d"${each}s" $4 "http://127.0.0.1:$2$3")
  after=$(ticks "$1")
  if grep -q 'Non-2xx' <<<"$out"; then echo "requests were refused" >&2; exit 1; fi
  requests=$(awk '/requests in/ { print $1 }' <<<"$out")
  awk -v t=$((after - before)) -v r="$requests" -v hz="$(getconf CLK_TCK)" 'BEGIN { print t * 1e6 / hz / r }'
}

public=$(measure "$ours_pid" "$ours" /public 0)
one=$(MOST=1 measure "$ours_pid" "$ours" /protected 1)
many=$(measure "$ours_pid" "$ours" /protected 1)
forgetful_public=$(measure "$forgetful_pid" "$forgetful" /public 0)
off=$(measure "$forgetful_pid" "$forgetful" /protected 1)
hand_public=$(measure "$hand_pid" "$hand" /public 0)
hand_new=$(measure "$hand_pid" "$hand" /protected 1)

row() { awk -v n="$1" -v v="$2" -v r="$3" 'BEGIN { printf "%-52s %7.2f µs   %s\n", n, v, r }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
row "ours, public route" "$public" ""
row "ours, one token" "$one" "$(ratio "$one" "$public") x public"
row "ours, 2000 tokens" "$many" "$(ratio "$many" "$public") x public"
row "ours, cache off" "$off" ""
row "by hand, public route" "$hand_public" ""
row "by hand, every token" "$hand_new" ""
surcharge=$(awk -v a="$off" -v b="$forgetful_public" 'BEGIN { print a - b }')
hand_surcharge=$(awk -v a="$hand_new" -v b="$hand_public" 'BEGIN { print a - b }')
row "surcharge of a new token, ours" "$surcharge" "$(ratio "$surcharge" "$hand_surcharge") x by hand"
row "surcharge of a new token, by hand" "$hand_surcharge" ""
