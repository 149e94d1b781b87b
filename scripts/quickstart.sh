#!/usr/bin/env bash
# From a clean clone to a sandbox: sets up, starts the engine, and shows one sandbox from beginning to end.
set -euo pipefail
cd "$(dirname "$0")/.."

main() {
  bash scripts/setup.sh
  make_typable
  show tenki engine start
  show tenki sandbox create --name "quickstart-$$"
  trap 'tenki sandbox terminate --yes --quiet "quickstart-$$" >/dev/null 2>&1 || true' EXIT
  show tenki sandbox exec --session "quickstart-$$" -c 'echo "hello from $(hostname), $(whoami) in $(pwd), pid 1 is $(cat /proc/1/comm)"; uname -sr; echo "written inside" > note.txt'
  show tenki sandbox read --session "quickstart-$$" --path note.txt
  show tenki sandbox terminate --yes "quickstart-$$"
  trap - EXIT
  say "done. the engine keeps running (tenki engine status, tenki engine stop). next: tenki sandbox create"
}

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
show() { say "$*"; "$@"; }

# Puts `tenki` where it can be typed, unless another one is there already.
make_typable() {
  local here target
  here="$PWD/bin/tenki"
  if [ "$(readlink -f "$(command -v tenki || true)" 2>/dev/null)" = "$(readlink -f "$here")" ]; then return; fi
  target=/usr/local/bin/tenki
  if [ -e "$target" ] && [ ! -L "$target" ]; then
    say "$target is another program: type $here instead"
    PATH="$PWD/bin:$PATH"
    return
  fi
  say "linking $target to this clone"
  if [ -w "$(dirname "$target")" ]; then ln -sfn "$here" "$target"; else sudo ln -sfn "$here" "$target"; fi
  hash -r
  command -v tenki >/dev/null || PATH="/usr/local/bin:$PATH"
}

main
