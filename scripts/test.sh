#!/usr/bin/env bash
# Sets up, builds, and runs the tests: all of them, or those whose paths contain a word given.
#   test.sh [WORD…]
set -euo pipefail
cd "$(dirname "$0")/.."

main() {
  bash scripts/setup.sh --for-tests
  # Both: the compiler leaves out what it takes to be there still.
  rm -rf dist/js/test dist/tsc.tsbuildinfo
  npx tsc -p .
  local files
  mapfile -t files < <(find dist/js/test -name '*.test.js' | sort)
  if [ $# -gt 0 ]; then
    local wanted=() word file
    for word in "$@"; do for file in "${files[@]}"; do case "$file" in *"$word"*) wanted+=("$file") ;; esac; done; done
    files=("${wanted[@]}")
  fi
  [ ${#files[@]} -gt 0 ] || { echo "error: no test has any of these words in its path: $*" >&2; exit 2; }
  # They wait more than they work.
  local runner=(node --test --test-concurrency=3 --test-reporter=spec --enable-source-maps "${files[@]}")
  # Sandboxes need root; a HOME of their own keeps the user's settings out of it.
  home=$(mktemp -d)
  trap 'rm -rf "$home"' EXIT
  local clean=(env -u TENKI_AUTH_TOKEN -u TENKI_API_KEY -u TENKI_API_ENDPOINT -u TENKI_API_URL -u TENKI_SESSION -u XDG_CONFIG_HOME -u XDG_DATA_HOME "HOME=$home" "PATH=$PATH:/usr/sbin:/sbin")
  if [ "$(id -u)" = 0 ]; then "${clean[@]}" "${runner[@]}"
  else sudo "${clean[@]}" "${runner[@]}"; fi
}

main "$@"
