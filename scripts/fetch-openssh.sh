#!/usr/bin/env bash
# Puts an OpenSSH server together that runs inside every sandbox, whatever image that is made from: the program, and
# all the libraries that it needs. No package is installed, so no service is started on this machine.
#   fetch-openssh.sh DIRECTORY
set -euo pipefail

main() {
  local target=$1 tree draft
  is_complete "$target" && return
  work=$(mktemp -d); trap 'rm -rf "$work" "${draft:-}"' EXIT
  tree=/
  [ -x /usr/sbin/sshd ] || { unpack openssh-server; tree=$work/tree; }
  mkdir -p "$(dirname "$target")"
  draft=$(mktemp -d "$target.XXXXXX")
  collect "$tree" "$draft"
  chmod 755 "$draft"
  rm -rf "$target"
  mv -T "$draft" "$target"
}

is_complete() { [ -x "$1/sshd" ] && [ -x "$1/ld.so" ]; }
die() { printf 'error: %s\n' "$1" >&2; exit 1; }

# A package, and the libraries that it wants and this machine does not have, each once.
unpack() {
  local package=$1 needed
  [ ! -e "$work/$package" ] || return 0
  mkdir -p "$work/$package" "$work/tree"
  (cd "$work/$package" && apt-get download -qq "$package" 2>/dev/null) ||
    die "cannot download $package: is there a network, and did apt-get update run?"
  dpkg-deb -x "$work/$package"/*.deb "$work/tree"
  dpkg-deb -f "$work/$package"/*.deb Depends | tr ',' '\n' | sed -nE 's/^ *(lib[^ |:]*).*/\1/p' |
    while read -r needed; do is_installed "$needed" || unpack "$needed"; done
}

# PAM's modules are of no use without PAM, which is switched off.
is_installed() {
  case "$1" in libpam-*) return 0 ;; esac
  dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -q '^installed$'
}

# Newer versions come in several programs, which find each other by the server's configuration.
collect() {
  local tree=$1 draft=$2 name found
  mkdir "$draft/lib"
  for name in sbin/sshd lib/openssh/sshd-session lib/openssh/sshd-auth; do
    found=$tree/usr/$name
    [ -x "$found" ] || continue
    copy_libraries "$found" "$draft"
    place "$found" "$draft" "$(basename "$name")"
  done
  is_complete "$draft" || die "there is no OpenSSH server in $tree"
}

# The engine starts the server by its own loader. What the server starts is found by its name alone.
place() {
  if [ "$3" = sshd ]; then
    install -m 755 "$1" "$2/sshd"
  else
    install -D -m 755 "$1" "$2/libexec/$3"
    printf '#!/bin/sh\nd=/run/tenki/openssh\nexec "$d/ld.so" --library-path "$d/lib" "$d/libexec/%s" "$@"\n' "$3" >"$2/$3"
    chmod 755 "$2/$3"
  fi
}

copy_libraries() {
  local listed path
  listed=$(LD_LIBRARY_PATH=$(library_path) ldd "$1")
  ! grep -q 'not found' <<<"$listed" || die "libraries are missing: $(grep 'not found' <<<"$listed" | head -n 3)"
  for path in $(grep -oE '/[^ ]+' <<<"$listed"); do
    case "$path" in
      */ld-linux*) install -m 755 "$path" "$2/ld.so" ;;
      *) install -m 644 "$path" "$2/lib/$(basename "$path")" ;;
    esac
  done
}

library_path() { find "$work" -name 'lib*.so*' -printf '%h\n' | sort -u | paste -sd: -; }

[ $# = 1 ] || die "usage: fetch-openssh.sh DIRECTORY"
main "$1"
