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

# The attacks once more with each setting that lets other tokens in. Skipped is what the setting is about;
# docs/security/testing.md says what.
while read -r setting skipped; do
  echo "tests/run.sh: with the setting $setting"
  skips=()
  for name in $skipped; do skips+=(--skip "$name"); done
  JWT_VERIFY_SUITES_SETTING=$setting cargo test --workspace --all-features --locked --test catalogue -- \
    --skip coverage "${skips[@]}"
done <<'SETTINGS'
accept_id_tokens strict_profile tokens_of_other_types_are_no_access_tokens
token_type strict_profile
numeric_subject subjects_and_bindings
and_keys is_skipped are_skipped
claims_mapping
header security_events:: extraction:: more_than_one_way_to_present_a_token an_api_may_take_bound_tokens_alone
without_audience security_events:: audiences only_listed_clients a_token_for_another_purpose strict_profile
of_key security_events:: audiences issuers a_token_for_another_purpose strict_profile key_quality:: kid of_a_key_or skipped of_full_length look_alike a_level_of_ml_dsa
SETTINGS

# As an application has it: outside of the workspace, with the default features of Actix.
tests/outsider/run.sh
