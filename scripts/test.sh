#!/usr/bin/env bash
# Runs parts of the tests and counts: test.sh ui|rust|chart|browser …
#
# The last line is always `N passed, N failed`. A part that lacks something says `SKIPPED:` with what it needs; with
# CI=true that is a failure. The whole output of each part is kept in target/test-logs.
set -euo pipefail
cd "$(dirname "$0")/.."

logs=${CARGO_TARGET_DIR:-target}/test-logs
mkdir -p "$logs"
# A line for each part that came to its end: its name, what passed, what failed, what was skipped, its log.
results=$(mktemp)

note() { # name passed failed skipped log
  printf '%s %d %d %d %s\n' "$@" >>"$results"
}

sum() { awk '{ total += $1 } END { print total + 0 }'; }

# A part that ended badly without a failed test failed as a whole.
settle() { # name log status passed failed
  local name=$1 log=$2 status=$3 good=${4:-0} bad=${5:-0} skipped=0
  if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
  if grep -q 'SKIPPED:' "$log"; then
    grep -h 'SKIPPED:' "$log" | sort -u | sed 's/^ */  /'
    skipped=1
    if [ "${CI:-}" = true ]; then bad=$((bad + 1)); fi
  fi
  note "$name" "$good" "$bad" "$skipped" "$log"
  if [ "$bad" != 0 ]; then echo "--- the end of $log:"; tail -n 250 "$log"; fi
}

database=""
key_service=""
object_store=""
# Set once the Rust tests have built the program: the browser's demo is then the same one.
program_built=""
# Parts that run beside others, by their names.
declare -A beside=()
finish() {
  for part in "${!beside[@]}"; do kill "${beside[$part]}" 2>/dev/null || true; wait "${beside[$part]}" 2>/dev/null || true; done
  if [ -n "$database" ]; then scripts/postgres.sh stop || true; fi
  if [ -n "$key_service" ]; then scripts/openbao.sh stop || true; fi
  if [ -n "$object_store" ]; then scripts/seaweedfs.sh stop || true; fi
  rm -f "$results"
}
trap finish EXIT

# Begins a part beside what comes next; what it says is shown when it is gathered.
begin() {
  (
    trap 'exit 1' TERM
    "test_$1"
  ) >"$logs/$1.out" 2>&1 &
  beside[$1]=$!
}

# Waits for a part that was begun. One that ended without a result failed.
gather() {
  if [ -z "${beside[$1]:-}" ]; then return; fi
  wait "${beside[$1]}" || true
  unset "beside[$1]"
  cat "$logs/$1.out"
  grep -q "^$1 " "$results" || note "$1" 0 1 0 "$logs/$1.out"
}

test_ui() {
  local log=$logs/ui.log status=0
  echo "== ui: types, rules and components"
  (scripts/need.sh node && scripts/ui.sh && cd ui && npm run --silent lint && NO_COLOR=1 npm test --silent) \
    >"$log" 2>&1 || status=$?
  local counts
  counts=$(grep -E '^ +Tests ' "$log" | tail -n 1 || true)
  settle ui "$log" "$status" "$(grep -oE '[0-9]+ passed' <<<"$counts" | sum)" "$(grep -oE '[0-9]+ failed' <<<"$counts" | sum)"
}

# The tools, the servers and the tests themselves; false where that failed, which is noted.
build_rust() {
  local log=$logs/rust.log
  echo "== rust: rules, both databases, walls, leaks, tidy, contract"
  if ! scripts/need.sh build test; then note rust 0 1 0 "tools-are-missing"; return 1; fi
  # Without it one test says that it was skipped, and fails in CI.
  scripts/need.sh python || true
  if [ -z "${STEWARD_TEST_POSTGRES:-}" ]; then
    # Of this run alone: another one, or a database that somebody looks at, is not ended with it.
    export STEWARD_PG_DIR=${TMPDIR:-/tmp}/steward-postgres-test-$$
    if STEWARD_TEST_POSTGRES=$(scripts/postgres.sh start); then
      export STEWARD_TEST_POSTGRES
      database=ours
    else
      unset STEWARD_TEST_POSTGRES
    fi
  fi
  if [ -z "${STEWARD_TEST_OPENBAO:-}" ]; then
    export STEWARD_BAO_DIR=${TMPDIR:-/tmp}/steward-openbao-test-$$
    if STEWARD_TEST_OPENBAO=$(scripts/openbao.sh start); then
      export STEWARD_TEST_OPENBAO
      key_service=ours
    else
      unset STEWARD_TEST_OPENBAO
    fi
  fi
  if [ -z "${STEWARD_TEST_S3:-}" ]; then
    export STEWARD_S3_DIR=${TMPDIR:-/tmp}/steward-seaweedfs-test-$$
    if STEWARD_TEST_S3=$(scripts/seaweedfs.sh start); then
      export STEWARD_TEST_S3
      object_store=ours
    else
      unset STEWARD_TEST_S3
    fi
  fi
  # What may be left from before is not what these tests build.
  rm -f "${CARGO_TARGET_DIR:-target}/debug/steward"
  local build=(cargo test --workspace --locked --no-run)
  if command -v cargo-nextest >/dev/null; then build=(cargo nextest run --workspace --locked --no-run); fi
  if ! "${build[@]}" 2>&1 | tee "$log" | grep --line-buffered -E '^ +(Compiling|Finished)|^error'; then
    settle rust "$log" 1
    return 1
  fi
  if [ -x "${CARGO_TARGET_DIR:-target}/debug/steward" ]; then program_built=yes; fi
}

run_rust() {
  local log=$logs/rust.log status=0
  if command -v cargo-nextest >/dev/null; then
    # What passes is shown too: a test that lacks something says so and passes, on a laptop.
    set +e
    # One more than there are cores: a third of the time a test waits for a disk, a process that was killed, or a clock.
    NO_COLOR=1 cargo nextest run --workspace --locked --no-fail-fast --test-threads "$(($(nproc) + 1))" --success-output immediate --failure-output final \
      2>&1 | tee "$log" | grep --line-buffered -E '^ +(PASS|FAIL|SIGNAL|SLOW|TIMEOUT|Summary)|^error|SKIPPED:'
    status=${PIPESTATUS[0]}
    set -e
    local counts
    counts=$(grep -E '^ +Summary ' "$log" | tail -n 1 || true)
    settle rust "$log" "$status" "$(grep -oE '[0-9]+ passed' <<<"$counts" | sum)" \
      "$(grep -oE '[0-9]+ (failed|timed out)' <<<"$counts" | sum)"
  else
    set +e
    cargo test --workspace --locked --no-fail-fast -- --show-output 2>&1 | tee "$log" |
      grep --line-buffered -E '^ +Running|^test result|^error|FAILED|SKIPPED:'
    status=${PIPESTATUS[0]}
    set -e
    local results
    results=$(grep -E '^test result: ' "$log" || true)
    settle rust "$log" "$status" "$(grep -oE '[0-9]+ passed' <<<"$results" | sum)" \
      "$(grep -oE '[0-9]+ failed' <<<"$results" | sum)"
  fi
}

test_rust() {
  if build_rust; then run_rust; fi
}

test_chart() {
  local log=$logs/chart.log status=0
  echo "== chart: linted and rendered by Helm"
  scripts/chart.sh >"$log" 2>&1 || status=$?
  local ran bad
  ran=$(sed -nE 's/^Ran ([0-9]+) tests?.*/\1/p' "$log" | sum)
  bad=$(sed -nE 's/^FAILED \((.*)\)/\1/p' "$log" | grep -oE '[0-9]+' | sum || true)
  settle chart "$log" "$status" "$((ran - bad))" "$bad"
}

test_browser() {
  local log=$logs/browser.log said=$logs/demo.json status=0
  echo "== browser: the pages in Chromium, against a demo"
  if ! scripts/need.sh build browser node; then
    echo "SKIPPED: the browser tests need Chromium and Node" | tee "$log"
    settle browser "$log" 0 0 0
    return
  fi
  scripts/ui.sh >"$log" 2>&1 || { settle browser "$log" 1 0 0; return; }
  if [ -z "$program_built" ]; then
    cargo build --locked -p steward >>"$log" 2>&1 || { settle browser "$log" 1 0 0; return; }
  fi
  local program=${CARGO_TARGET_DIR:-target}/debug/steward
  rm -f "$said"
  mkfifo "$said"
  PORT=${PORT:-18460} "$program" demo --json >"$said" 2>>"$log" &
  local demo=$! tests="" line=""
  # The demo, and tests that somebody ended, end with this part.
  # shellcheck disable=SC2064
  trap "kill $demo 2>/dev/null" EXIT
  # Stays open until the demo ends, so that it never writes to nobody.
  exec 3<"$said"
  IFS= read -r -t 300 -u 3 line || true
  if [ -z "$line" ]; then
    echo "the demo did not say that it is ready" >>"$log"
    settle browser "$log" 1 0 0
    return
  fi
  (cd ui && STEWARD_DEMO=$line exec node --test --test-concurrency=1 --test-timeout=300000 --test-reporter=tap e2e/*.test.mjs) >>"$log" 2>&1 &
  tests=$!
  # shellcheck disable=SC2064
  trap "kill $tests $demo 2>/dev/null" EXIT
  wait "$tests" || status=$?
  kill "$demo" 2>/dev/null || true
  wait "$demo" 2>/dev/null || true
  exec 3<&-
  settle browser "$log" "$status" "$(sed -nE 's/^# pass ([0-9]+)/\1/p' "$log" | sum)" \
    "$(sed -nE 's/^# fail ([0-9]+)/\1/p' "$log" | sum)"
}

for part in "$@"; do
  case "$part" in
    ui | rust | chart | browser) ;;
    *) echo "test.sh: no such part: $part" >&2; exit 2 ;;
  esac
done
parts=" $* "
wanted() { [[ $parts == *" $1 "* ]]; }

if wanted rust && wanted browser; then
  # The build leaves a core alone at its end, and the browser's tests mostly wait: each has company.
  scripts/need.sh node >/dev/null 2>&1 || true
  if wanted ui; then begin ui; fi
  if build_rust; then
    gather ui
    begin browser
    run_rust
    if wanted chart; then test_chart; fi
    gather browser
  else
    gather ui
    if wanted chart; then test_chart; fi
    note browser 0 1 0 "not-built"
  fi
else
  for part in "$@"; do
    # The servers that the Rust tests start end with this script; what another part starts ends with it.
    if [ "$part" = rust ]; then test_rust; else ("test_$part"); fi
  done
fi

passed=0 failed=0 skipped=0
while read -r name good bad left log; do
  printf '%-10s %5d passed %5d failed  %s\n' "$name" "$good" "$bad" "$log"
  passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + left))
done <"$results"
if [ "$skipped" != 0 ] && [ "${CI:-}" != true ]; then echo "$skipped part(s) skipped something: see SKIPPED above"; fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
