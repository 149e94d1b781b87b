#!/usr/bin/env bash
# Measures the budgets on this machine, each beside what it is compared with.
#   bench.sh [--json] [--quick] [WORD…]
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh --for-bench >&2
npx tsc -p . >&2
exec node --enable-source-maps dist/js/bench/main.js "$@"
