#!/usr/bin/env bash
# How many lines of both libraries the tests reach, in per cent. Needs cargo-llvm-cov. Fails below 90.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/prepare.sh
# What is compiled in a workspace of its own reaches nothing here, and takes long.
cargo llvm-cov --workspace --all-features --tests --examples --locked --summary-only --fail-under-lines 90 \
  --ignore-filename-regex '(^|/)(tests|examples|benches)/|/rustc/|\.cargo/registry' \
  -- --include-ignored --skip wycheproof --skip mistakes_are_compile_errors --skip every_kind_of_handler_compiles
