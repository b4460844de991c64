#!/usr/bin/env bash
# Tries the whole API against what openapi.json says of it: examples, coverage of the schemas, random requests, and
# sequences of requests that its links make, against a demo of its own.
#
#   schemathesis.sh [EXAMPLES an operation, 30] [further arguments of `schemathesis run` …]
#
# WHO=administrator (or nothing): in a session of the demo's administrator. WHO=token: with an API token of every scope that openapi.json
# names, made for this run.
#
# Ends with 1 where an answer is not as it is described, or the server breaks. The whole report lies in target/schemathesis.
set -euo pipefail
cd "$(dirname "$0")/.."

examples=${1:-30}
shift || true
who=${WHO:-administrator}
case $who in administrator | token) ;; *) echo "WHO is administrator or token, not $who" >&2; exit 2 ;; esac
scripts/need.sh build node test python
program=${STEWARD_PROGRAM:-${CARGO_TARGET_DIR:-target}/debug/steward}
if [ -z "${STEWARD_PROGRAM:-}" ]; then scripts/ui.sh; cargo build --locked -p steward; fi

made=$PWD/target/schemathesis
mkdir -p "$made"
[ -x "$made/venv/bin/schemathesis" ] || { python3 -m venv "$made/venv" && "$made/venv/bin/pip" install --quiet --disable-pip-version-check -r scripts/schemathesis.txt; }

said=$made/demo.json
rm -f "$said"
mkfifo "$said"
"$program" demo --json --port "${PORT:-18470}" >"$said" 2>"$made/demo.log" &
demo=$!
trap 'kill "$demo" 2>/dev/null || true; wait "$demo" 2>/dev/null || true' EXIT
exec 3<"$said"
IFS= read -r -t 180 -u 3 line || { echo "the demo did not say that it is ready: $made/demo.log" >&2; exit 1; }

steward=$(jq -r .steward <<<"$line")
admin=$(jq -r '.users.admin | if type == "string" then . else .user // .accountId // .email end' <<<"$line")
# Proves once who asks.
invocation=$(curl -sf "$(jq -r .jira <<<"$line")/sandbox/token" -H 'content-type: application/json' \
  -d "$(jq -n --arg user "$admin" '{user: $user, module: "settings-page"}')" | jq -r .token)

# Left out: what ends the session that all this runs in, and what takes one of Jira's own tokens or a ticket, which are good once.
left_out=(end_session start_session exchange_token make_ticket)
if [ "$who" = token ]; then
  scopes=$(curl -sf "$steward/openapi.json" | jq -c '[.paths[][] | objects | .security[]?.token[]?] | unique')
  bearer=$(curl -sf -X POST "$steward/api/v1/tokens" -H "authorization: Bearer $invocation" -H 'content-type: application/json' \
    -d "$(jq -n --argjson scopes "$scopes" '{name: "Schemathesis", scopes: $scopes}')" | jq -r .secret)
else
  bearer=$(curl -sf -X POST "$steward/api/v1/session/bearer" -H "authorization: Bearer $invocation" | jq -r .token)
  # It is about the API token that calls.
  left_out+=(read_current_token)
fi
excluded=()
for operation in "${left_out[@]}"; do excluded+=(--exclude-operation-id "$operation"); done

settings=$PWD/scripts/schemathesis.toml
# It leaves what it found where it is run.
cd "$made"
venv/bin/schemathesis --config-file "$settings" run "$steward/openapi.json" --url "$steward" \
  --header "Authorization: Bearer $bearer" "${excluded[@]}" \
  --phases examples,coverage,fuzzing,stateful --checks all --max-examples "$examples" --workers 1 --seed 1 \
  --request-timeout 60 --rate-limit 550/m --report junit --report-dir "$made" --generation-database "$made/examples" "$@"
