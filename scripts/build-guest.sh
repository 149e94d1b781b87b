#!/usr/bin/env bash
# Compiles the process that is pid 1 in every sandbox: static, so that it runs on any image.
#   build-guest.sh [--sanitize] [OUTPUT]
set -euo pipefail
cd "$(dirname "$0")/.."

main() {
  local flags=(-static -O2)
  # For tests: finds what is read or written out of bounds, and what C leaves undefined.
  if [ "${1:-}" = --sanitize ]; then
    shift
    flags=(-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  fi
  local output=${1:-dist/tenki-guest}
  mkdir -p "$(dirname "$output")"
  gcc -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror "${flags[@]}" src/guest/*.c -o "$output.new"
  if [ "${flags[0]}" = -static ]; then strip "$output.new"; fi
  # Renamed into place: a binary that runs cannot be written to.
  mv -f "$output.new" "$output"
}

main "$@"
