#!/usr/bin/env bash
# Sees to it that the tools of a kind of work are there: on Debian, root gets them from apt; anyone else is told in one
# line what is missing.
#
#   need.sh build|node|test|python|browser|bench …
set -euo pipefail

missing=()
wanted=()

# want COMMAND PACKAGE: the command, and the Debian package that brings it.
want() { command -v "$1" >/dev/null || { missing+=("$1"); wanted+=("$2"); }; }

for work in "$@"; do
  case "$work" in
    build)
      # Debian's own Rust is older than what this needs.
      command -v cargo >/dev/null || { echo "Rust is missing: install 1.95 or later from https://rustup.rs" >&2; exit 1; }
      want cc gcc
      want make make
      ;;
    node) want node nodejs; want npm npm ;;
    test) want node nodejs; want npm npm; want openssl openssl; want systemd-analyze systemd
      want curl curl; want jq jq; want nginx nginx-light ;;
    # Debian has python3 without what makes an environment.
    python) python3 -c 'import ensurepip, venv' 2>/dev/null || { missing+=(python3-venv); wanted+=(python3-venv); } ;;
    browser) [ -x "${CHROMIUM:-/usr/bin/chromium}" ] || { missing+=(chromium); wanted+=(chromium); } ;;
    bench) want openssl openssl; want nginx nginx-light; want wrk wrk; want sqlite3 sqlite3; want psql postgresql-client ;;
    *) echo "need.sh: no such work: $work" >&2; exit 2 ;;
  esac
done

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing: ${missing[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${wanted[@]}"; } >&2
  else
    echo "missing: ${missing[*]} (Debian: apt install ${wanted[*]})" >&2
    exit 1
  fi
fi

case " $* " in
  *" node "* | *" test "*)
    major=$(node --version | sed -E 's/^v([0-9]+).*/\1/')
    # The pages' build tools say which they need; an older one fails later and less plainly.
    [ "$major" -ge 20 ] || { echo "Node $major is too old: install 20 or later (https://nodejs.org)" >&2; exit 1; }
    ;;
esac
