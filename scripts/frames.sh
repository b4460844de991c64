#!/usr/bin/env bash
# How smoothly a table of many customers opens and scrolls, traced in Chromium: frames.sh [CUSTOMERS]
#
# A demo of so many (100,000) is made with the release build and ended again; Steward reads its directory from Jira as fast as
# Jira's limits let it, some 150 customers a second.
set -euo pipefail
cd "$(dirname "$0")/.."

customers=${1:-100000}
folder=$(mktemp -d)
"${CARGO_TARGET_DIR:-target}/release/steward" demo --customers "$customers" --json >"$folder/demo.json" 2>"$folder/demo.log" &
demo=$!
trap 'kill "$demo" 2>/dev/null || true; wait "$demo" 2>/dev/null || true; rm -rf "$folder"' EXIT
until [ -s "$folder/demo.json" ]; do
  kill -0 "$demo" 2>/dev/null || { cat "$folder/demo.log" >&2; exit 1; }
  sleep 2
done
cd ui
STEWARD_DEMO="$(head -n 1 "$folder/demo.json")" node bench/frames.mjs --customers "$customers"
