#!/usr/bin/env bash
# How many lines of both libraries the tests reach, in per cent. Needs cargo-llvm-cov. Fails below 90.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/prepare.sh

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/coverage}
environment=$(cargo llvm-cov show-env --export-prefix)
eval "$environment"
cargo llvm-cov clean --workspace
# The suites start the examples, which count too.
cargo build --workspace --all-features --locked --examples
# What is compiled in a workspace of its own reaches nothing here, and takes long.
cargo test --workspace --all-features --locked --lib --tests -- --include-ignored --skip wycheproof \
  --skip mistakes_are_compile_errors --skip every_kind_of_handler_compiles
cargo llvm-cov report --summary-only --fail-under-lines 90 \
  --ignore-filename-regex '(^|/)(tests|examples|benches)/|/rustc/|\.cargo/registry'
