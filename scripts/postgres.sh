#!/usr/bin/env bash
# A throw-away PostgreSQL for tests and trials: `start` prints its URL, `stop` ends and deletes it.
#
# It listens on a socket inside its own folder and nowhere else. The role in the URL owns what it makes and is no
# superuser, so that row-level security binds it as it would in production. Nothing in it survives a crash of the
# machine (fsync is off): it is not for data that anyone wants to keep.
#
#   STEWARD_PG_DIR   where it lies (default: a folder of this user's under the temporary directory)
set -euo pipefail

dir=${STEWARD_PG_DIR:-${TMPDIR:-/tmp}/steward-postgres-$(id -u)}
url="postgres://steward@localhost/steward?host=$dir/socket"

say() { printf '%s\n' "postgres.sh: $*" >&2; }
die() { say "$*"; exit 1; }

find_bin() {
  local bin
  for bin in $(ls -d /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin 2>/dev/null | sort -rV); do
    if [ -x "$bin/initdb" ]; then printf '%s' "$bin"; return 0; fi
  done
  if command -v pg_config >/dev/null && [ -x "$(pg_config --bindir)/initdb" ]; then pg_config --bindir; return 0; fi
  return 1
}

bin=$(find_bin || true)
if [ -z "$bin" ] && [ "${1:-}" = start ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing PostgreSQL"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql; } >&2
    bin=$(find_bin || true)
  fi
  [ -n "$bin" ] || die "PostgreSQL's server programs (initdb, pg_ctl) are missing: install the package 'postgresql'"
fi

# The server refuses to run as root: root hands it to a system user.
owner=$(id -un)
if [ "$(id -u)" = 0 ]; then
  owner=postgres
  id -u "$owner" >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin "$owner"
fi
as_owner() { if [ "$(id -u)" = 0 ]; then runuser -u "$owner" -- env -C / "$@"; else (cd / && "$@"); fi; }
running() { [ -f "$dir/data/postmaster.pid" ] && as_owner "$bin/pg_ctl" --pgdata="$dir/data" status >/dev/null 2>&1; }

start() {
  if ! running; then
    # What lies there is an earlier cluster that died, or an unfinished one.
    rm -rf "$dir"
    mkdir -p "$dir/socket"
    chown -R "$owner" "$dir" 2>/dev/null || true
    chmod 700 "$dir"
    as_owner "$bin/initdb" --pgdata="$dir/data" --username=cluster --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
      >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; die "initdb failed"; }
    cat >>"$dir/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$dir/socket'
max_connections = 300
fsync = off
synchronous_commit = on
full_page_writes = off
autovacuum = off
shared_buffers = 64MB
CONF
    as_owner "$bin/pg_ctl" --pgdata="$dir/data" --log="$dir/data/server.log" --wait --timeout=60 start >/dev/null ||
      { cat "$dir/data/server.log" >&2; die "the server did not start"; }
    as_owner "$bin/psql" --quiet --host="$dir/socket" --username=cluster --dbname=postgres --set=ON_ERROR_STOP=1 \
      --command="CREATE ROLE steward LOGIN NOSUPERUSER CREATEDB" --command="CREATE DATABASE steward OWNER steward"
  fi
  printf '%s\n' "$url"
}

stop() {
  if [ -n "$bin" ] && running; then as_owner "$bin/pg_ctl" --pgdata="$dir/data" --mode=immediate --wait stop >/dev/null; fi
  rm -rf "$dir"
}

case "${1:-}" in
  start) start ;;
  stop) stop ;;
  url) printf '%s\n' "$url" ;;
  *) die "usage: postgres.sh start|stop|url" ;;
esac
