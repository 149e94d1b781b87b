#!/usr/bin/env bash
# What has to hold for every commit besides the tests: format, lint, types, generated files, documents.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
step() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; "$@"; }
step npx prettier --check --log-level warn bin src test bench scripts '*.json'
step npx oxlint --type-aware --deny-warnings bin src test bench scripts
step npx tsc -p . --noEmit
step node scripts/gen.mjs --check
step node scripts/docs.mjs --check
