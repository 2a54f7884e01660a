#!/usr/bin/env bash
# CPU of the server for each request: `resource-server` against a server written by hand with
# jsonwebtoken. Needs wrk. All rows are measured in turn, ROUNDS times (default 5) for SECONDS_EACH
# (default 2), since a machine that others use as well is not always as fast.
set -euo pipefail
cd "$(dirname "$0")/../.."

command -v wrk >/dev/null || { echo "tests/load/run.sh: wrk is needed (apt-get install wrk)" >&2; exit 1; }
each=${SECONDS_EACH:-2}
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
declare -A cpu requests
# Adds what one round says: row pid port path tokens (0 for none)
measure() {
  local row=$1 pid=$2 url=http://127.0.0.1:$3 before out script=()
  export ROUTE=$4 MOST=$5
  [ "$5" = 0 ] || script=(-s tests/load/tokens.lua)
  wrk -t1 -c16 -d1s "${script[@]}" "$url$4" >/dev/null
  before=$(ticks "$pid")
  out=$(wrk -t1 -c16 -d"${each}s" "${script[@]}" "$url$4")
  cpu[$row]=$((${cpu[$row]:-0} + $(ticks "$pid") - before))
  if grep -q 'Non-2xx' <<<"$out"; then echo "requests were refused" >&2; exit 1; fi
  requests[$row]=$((${requests[$row]:-0} + $(awk '/requests in/ { print $1 }' <<<"$out")))
}
for _ in $(seq "${ROUNDS:-5}"); do
  measure public "$ours_pid" "$ours" /public 0
  measure unread "$ours_pid" "$ours" /public 1
  measure one "$ours_pid" "$ours" /protected 1
  measure many "$ours_pid" "$ours" /protected 2000
  measure off-public "$forgetful_pid" "$forgetful" /public 0
  measure off "$forgetful_pid" "$forgetful" /protected 2000
  measure hand-public "$hand_pid" "$hand" /public 0
  measure hand "$hand_pid" "$hand" /protected 2000
done

# Microseconds of CPU for each request.
each_of() { awk -v t="${cpu[$1]}" -v r="${requests[$1]}" -v hz="$(getconf CLK_TCK)" 'BEGIN { print t * 1e6 / hz / r }'; }
row() { awk -v n="$1" -v v="$2" -v r="$3" 'BEGIN { printf "%-52s %7.2f µs   %s\n", n, v, r }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
less() { awk -v a="$1" -v b="$2" 'BEGIN { print a - b }'; }
public=$(each_of public) unread=$(each_of unread) one=$(each_of one) many=$(each_of many)
off=$(each_of off) hand=$(each_of hand)
row "ours, public route" "$public" ""
row "ours, public route, a token that nobody reads" "$unread" "$(ratio "$unread" "$public") x public"
row "ours, one token" "$one" "$(ratio "$one" "$public") x public"
row "ours, 2000 tokens" "$many" "$(ratio "$many" "$public") x public"
row "ours, cache off" "$off" ""
row "by hand, public route" "$(each_of hand-public)" ""
row "by hand, every token" "$hand" ""
surcharge=$(less "$off" "$(each_of off-public)")
hand_surcharge=$(less "$hand" "$(each_of hand-public)")
row "surcharge of a new token, ours" "$surcharge" "$(ratio "$surcharge" "$hand_surcharge") x by hand"
row "surcharge of a new token, by hand" "$hand_surcharge" ""
