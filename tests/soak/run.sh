#!/usr/bin/env bash
# The endurance run: `run.sh` takes an hour, `run.sh short` ten minutes. DURATION (seconds), RATE, SEED, ONLY
# and OUTPUT are explained in main.rs; PROFILE=dev builds without optimisation. Needs redis-server, which
# tests/prepare.sh installs. docs/operations/endurance.md says what is checked.
set -euo pipefail
cd "$(dirname "$0")/../.."

case ${1:-} in
  "") DURATION=${DURATION:-3600} ;;
  short) DURATION=600 ;;
  *) echo "tests/soak/run.sh: the only mode is 'short'" >&2; exit 64 ;;
esac
export DURATION
for program in redis-server redis-cli; do
  command -v "$program" >/dev/null || {
    echo "tests/soak/run.sh: $program is needed (. tests/prepare.sh)" >&2
    exit 1
  }
done

profile=${PROFILE:-release}
folder=$profile
[ "$profile" != dev ] || folder=debug
# Each as its users build it: a feature that only another package needs is not in it.
cargo build --locked --profile "$profile" -p example-resource-server --example resource-server
cargo build --locked --profile "$profile" -p example-session-app --example session-app
cargo build --locked --profile "$profile" -p jwt-verify-tests --example soak
# In a group of its own, so that nothing is left when this script is ended.
set -m
"${CARGO_TARGET_DIR:-target}/$folder/examples/soak" & soak=$!
trap 'kill -- "-$soak" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
wait "$soak"
