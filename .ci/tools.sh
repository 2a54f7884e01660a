#!/usr/bin/env bash
# Installs the tools that the checks need into a folder that outlives them, unless they are there in
# these versions, and prints the folder.
set -euo pipefail
folder=${JWT_VERIFY_TOOLS:-$HOME/.cache/jwt-verify-tools}
mkdir -p "$folder/bin"
install() {
  [ "$(cat "$folder/$1.version" 2>/dev/null)" = "$3" ] || {
    cargo install --locked --quiet --root "$folder" "$@" >&2
    echo "$3" >"$folder/$1.version"
  }
}
# They look at a few hundred files: what counts is how long they take to build.
export CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=64
typos=1.52.0
install mdbook --version 0.5.4 --no-default-features --features search
install cargo-deny --version 0.20.2
install cargo-machete --version 0.9.2
[ "$(cat "$folder/typos.version" 2>/dev/null)" = "$typos" ] || {
  python3 -m venv "$folder/python"
  "$folder/python/bin/pip" install --quiet --disable-pip-version-check "typos==$typos" >&2
  ln -sf "$folder/python/bin/typos" "$folder/bin/typos"
  echo "$typos" >"$folder/typos.version"
}
echo "$folder/bin"
