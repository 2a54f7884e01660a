#!/usr/bin/env bash
# Fuzzes every target for a number of seconds (default 15), from the committed seeds and what earlier runs
# found here. Longer, or only some targets:
#   tests/fuzz/run.sh 600
#   tests/fuzz/run.sh 600 proof signed
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-15}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(credentials token header json jwk key_set discovery signed proof mcp)

rustup toolchain list | grep -q '^nightly' || rustup toolchain install nightly --profile minimal
cargo fuzz --version >/dev/null 2>&1 ||
  CARGO_PROFILE_RELEASE_OPT_LEVEL=0 cargo install --locked cargo-fuzz --version 0.13.2

# Sanitizers find nothing in code without `unsafe`, and the C of the crypto library is its own affair.
options=(--fuzz-dir . --sanitizer none)
total=0
for target in "${targets[@]}"; do
  cargo +nightly fuzz build "${options[@]}" "$target" >/dev/null 2>&1 ||
    cargo +nightly fuzz build "${options[@]}" "$target"
  log=$(mktemp)
  words=()
  [ ! -f "dictionaries/$target" ] || words=("-dict=dictionaries/$target")
  [ -n "$(ls -A "corpus/$target" 2>/dev/null)" ] || { echo "no seeds for $target" >&2; exit 1; }
  cargo +nightly fuzz run "${options[@]}" "$target" -- \
    -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 "${words[@]}" 2>"$log" || {
    tail -n 60 "$log" >&2
    exit 1
  }
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  total=$((total + runs))
  printf '%-12s %12d executions\n' "$target" "$runs"
  rm -f "$log"
done
printf '%-12s %12d executions, no crash\n' total "$total"
