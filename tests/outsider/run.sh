#!/usr/bin/env bash
# Compiles and runs the crates in this folder, which use the library as an application does: with the
# default features of Actix, with each of its routing features, and from the packages as published.
set -euo pipefail
cd "$(dirname "$0")"
top=$(cd ../.. && pwd)
# What the workspace has built already is taken from there.
export CARGO_TARGET_DIR=$top/target

echo "tests/outsider: every placement, Actix with its default features"
cargo test --locked --package outsider-placements
for features in macros compat macros,compat-routing-macros-force-pub macros,unicode macros,experimental-introspection; do
  echo "tests/outsider: every placement, Actix with $features"
  cargo check --locked --package outsider-placements --no-default-features --features "$features"
done

echo "tests/outsider: handlers that could hide from #[require]"
cargo run --locked --package outsider-corpus

echo "tests/outsider: README and book"
cargo test --locked --package outsider-book

echo "tests/outsider: README and book, with the library as it is published"
packages=$CARGO_TARGET_DIR/outsider
rm -rf "$packages"
mkdir -p "$packages"
(cd "$top" && cargo package --quiet --no-verify --allow-dirty --locked \
  --package actix-jwt-verify-macros --package actix-jwt-verify)
for package in "$CARGO_TARGET_DIR"/package/actix-jwt-verify*.crate; do
  # With the time of now: what an earlier run has compiled of another package would count otherwise.
  tar -xmzf "$package" -C "$packages"
done
library=$(echo "$packages"/actix-jwt-verify-[0-9]*)
macros=$(echo "$packages"/actix-jwt-verify-macros-[0-9]*)
cp -r Cargo.toml Cargo.lock book placements corpus "$packages"
# The pages are read from the repository, the library from the package.
sed -i "s|path = \"../../../jwt-verify\"|path = \"$library\"|" "$packages"/*/Cargo.toml
sed -i "s|\"../../..\"|\"$top\"|" "$packages/book/build.rs"
printf '\n[patch.crates-io]\nactix-jwt-verify-macros = { path = "%s" }\n' "$macros" >>"$packages/Cargo.toml"
cargo test --manifest-path "$packages/Cargo.toml" --package outsider-book --bins
cargo test --manifest-path "$packages/Cargo.toml" --package outsider-placements
