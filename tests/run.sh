#!/usr/bin/env bash
# Installs what the tests need and runs all of them, those included that plain `cargo test` leaves
# out because they need more than Rust.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "tests/run.sh: installing Node.js"
  if [ "$(id -u)" -eq 0 ]; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm
  else
    sudo apt-get update -qq && sudo apt-get install -y -qq --no-install-recommends nodejs npm
  fi
fi
npm ci --prefix tests/provider --no-audit --no-fund --loglevel=error

cargo test --workspace --all-features -- --include-ignored
