#!/usr/bin/env bash
# Builds the pages into ui/dist when something that they are made of is newer, and installs their tools when the lock
# file changed. `ui.sh --install` stops after the tools.
set -euo pipefail
cd "$(dirname "$0")/../ui"

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --no-audit --no-fund
  touch node_modules/.package-lock.json
fi
[ "${1:-}" = --install ] && exit 0

made=dist/index.html
if [ ! -e "$made" ] || [ -n "$(find . -path ./node_modules -prune -o -path ./dist -prune -o -path ./e2e -prune \
  -o -path ./generated -prune -o -path ./test-results -prune -o -type f -newer "$made" -print -quit)" ]; then
  npm run --silent build
  touch "$made"
fi
