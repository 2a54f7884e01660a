#!/usr/bin/env bash
# Installs what the tests need and runs all of them, those included that plain `cargo test` leaves
# out because they need more than Rust.
set -euo pipefail
cd "$(dirname "$0")/.."

. tests/prepare.sh

# The Wycheproof vectors are not part of the repository. Without them their tests stay ignored.
vectors=${JWT_VERIFY_VECTORS:-$PWD/../shared/vectors}
if [ -e "$vectors/wycheproof_jws_flat.json" ]; then
  cargo test --workspace --all-features --locked -- --include-ignored
else
  echo "tests/run.sh: no wycheproof_jws_flat.json in $vectors; its tests are reported as ignored"
  cargo test --workspace --all-features --locked -- --include-ignored --skip wycheproof_jws
  cargo test --workspace --all-features --locked --test vectors wycheproof_jws
fi

# A token that was seen before must not get another answer than a new one: the same once more without
# the cache, and with room for a single token.
for entries in 0 1; do
  echo "tests/run.sh: with a token cache of $entries"
  JWT_VERIFY_SUITES_TOKEN_CACHE=$entries cargo test --workspace --all-features --locked --test http --test catalogue \
    --test macros --test sessions
done

# As an application has it: outside of the workspace, with the default features of Actix.
tests/outsider/run.sh
