#!/usr/bin/env bash
# From a clean clone to a sandbox: sets up, starts the engine, and shows one sandbox from beginning to end.
set -euo pipefail
cd "$(dirname "$0")/.."

main() {
  bash scripts/setup.sh
  make_typable
  start_engine
  use_engine
  show tenki sandbox create --name "quickstart-$$"
  trap 'tenki sandbox terminate --yes --quiet "quickstart-$$" >/dev/null 2>&1 || true' EXIT
  show tenki sandbox exec --session "quickstart-$$" -c 'echo "hello from $(hostname), $(whoami) in $(pwd), pid 1 is $(cat /proc/1/comm)"; uname -sr; echo "written inside" > note.txt'
  show tenki sandbox read --session "quickstart-$$" --path note.txt
  show tenki sandbox terminate --yes "quickstart-$$"
  trap - EXIT
  say "done. the engine keeps running (${engine[*]} status, ${engine[*]} stop). next: tenki sandbox create"
}

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
show() { say "$*"; "$@"; }

# The engine as who asks, in a part of the cgroups that is this user's where systemd gives one, else as root.
start_engine() {
  local scope=(systemd-run --user --scope --quiet -p Delegate=yes)
  engine=(tenki engine)
  if [ "$(id -u)" = 0 ] || can_run_engine; then start=("${engine[@]}")
  elif can_run_engine "${scope[@]}"; then start=("${scope[@]}" "${engine[@]}")
  else
    say "sandboxes of an ordinary user cannot be limited on this machine (tenki engine doctor): the engine runs as root"
    engine=(sudo "$(command -v node)" "$PWD/bin/tenki" engine)
    start=("${engine[@]}")
  fi
  if "${engine[@]}" status | grep -q '^state *: RUNNING'; then say "the engine runs already"; else show "${start[@]}" start; fi
}

can_run_engine() { "$@" tenki engine doctor >/dev/null 2>&1; }

# What follows is for this engine, whatever login there is; without one it stays the command line's own.
use_engine() {
  TENKI_API_ENDPOINT=$("${engine[@]}" status | awk '/^endpoint/ {print $3}')
  TENKI_API_KEY=$("${engine[@]}" token)
  if ! tenki config get auth_token >/dev/null 2>&1; then
    say "logging in to the engine"
    tenki login --token-stdin --endpoint "$TENKI_API_ENDPOINT" <<<"$TENKI_API_KEY"
  fi
  export TENKI_API_ENDPOINT TENKI_API_KEY
}

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
