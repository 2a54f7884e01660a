#!/usr/bin/env bash
# Installs what the tests need and runs all of them, those included that plain `cargo test` leaves
# out because they need more than Rust.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v node >/dev/null && command -v npm >/dev/null || missing+=(nodejs npm)
command -v redis-server >/dev/null && command -v redis-cli >/dev/null || missing+=(redis-server)
command -v chromium >/dev/null || command -v chromium-browser >/dev/null ||
  command -v google-chrome >/dev/null || missing+=(chromium)
command -v openssl >/dev/null || missing+=(openssl)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
  echo "tests/run.sh: installing ${missing[*]}"
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
  echo "tests/run.sh: Node.js 20 or newer is needed; this is $(node --version)" >&2
  exit 1
fi
npm ci --prefix tests --no-audit --no-fund --loglevel=error
[ -x tests/python/bin/python ] || python3 -m venv tests/python
tests/python/bin/pip install --quiet --disable-pip-version-check --requirement tests/sessions/requirements.txt

# The Wycheproof vectors are not part of the repository. Without them their tests stay ignored.
vectors=${JWT_VERIFY_VECTORS:-$PWD/../shared/vectors}
if [ -e "$vectors/wycheproof_jws_flat.json" ]; then
  cargo test --workspace --all-features --locked -- --include-ignored
else
  echo "tests/run.sh: no wycheproof_jws_flat.json in $vectors; its tests are reported as ignored"
  cargo test --workspace --all-features --locked -- --include-ignored --skip wycheproof_jws
  cargo test -p jwt-verify-tests --all-features --locked --test vectors wycheproof_jws
fi

# A token that was seen before must not get another answer than a new one: the same once more without
# the cache, and with room for a single token.
for entries in 0 1; do
  echo "tests/run.sh: with a token cache of $entries"
  JWT_VERIFY_SUITES_TOKEN_CACHE=$entries cargo test -p jwt-verify-tests --all-features --locked --test http --test catalogue \
    --test macros --test sessions
done
