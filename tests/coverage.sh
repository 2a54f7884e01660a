#!/usr/bin/env bash
# How many lines of both libraries the tests reach, in per cent. Needs cargo-llvm-cov. Fails below 90.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/prepare.sh
cargo llvm-cov --workspace --all-features --locked --summary-only --fail-under-lines 90 \
  --ignore-filename-regex '(^|/)(tests|examples|benches)/|/rustc/|\.cargo/registry' \
  -- --include-ignored --skip wycheproof
