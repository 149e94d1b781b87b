#!/usr/bin/env bash
# Makes a fresh Debian or Ubuntu machine ready to build and run tenki. May be run again at any time.
#   setup.sh [--for-tests | --for-bench]
set -euo pipefail
cd "$(dirname "$0")/.."

main() {
  require_node
  install_packages
  install_postgresql
  fetch_openssh
  install_node_modules
  npm run --silent build
}

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$1" >&2; [ -z "${2:-}" ] || printf 'hint: %s\n' "$2" >&2; exit 1; }

require_node() {
  command -v node >/dev/null || die "there is no node here" "install Node.js 20.19 or newer"
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    die "node $(node --version) is too old" "install Node.js 20.19 or newer"
}

# What has to be there | the package that brings it | what it is for
needed_packages() {
  cat <<'LIST'
cmd:gcc|gcc|compiles the small program that is pid 1 inside each sandbox
file:/usr/include/stdlib.h|libc6-dev|the C library that it is linked with
cmd:ip|iproute2|gives each sandbox a network of its own
cmd:nft|nftables|holds the network policy in the kernel
cmd:mkfs.ext4|e2fsprogs|makes the disks whose size is a quota
cmd:losetup|mount|mounts those disks
cmd:mkfs.xfs|xfsprogs|makes the file system on which snapshots share what did not change
cmd:sudo|sudo|lets the user inside a sandbox become root there
cmd:newuidmap|uidmap|runs the engine without root
cmd:slirp4netns|slirp4netns|gives sandboxes a network without root
cmd:ssh-keygen|openssh-client|makes keys and certificates for ssh
LIST
  if has crun && ! hybrid_cgroups; then :; elif has runc; then :
  elif hybrid_cgroups; then echo 'cmd:runc|runc|runs the containers (crun does not know hybrid cgroups)'
  else echo 'cmd:crun|crun|runs the containers'; fi
  [ "$1" != --for-bench ] || cat <<'LIST'
cmd:wrk|wrk|asks a web service as much as it answers
cmd:curl|curl|moves large bodies
LIST
  [ "$1" = --for-tests ] || return 0
  cat <<'LIST'
cmd:rsync|rsync|tests copy with it over ssh
cmd:ansible|ansible-core|tests run modules with it over ssh
cmd:git|git|tests compare files that are kept in git
cmd:curl|curl|tests call the engine as a program without a client would
cmd:openssl|openssl|tests make a certificate
cmd:python3|python3|tests run it inside sandboxes
cmd:tmux|tmux|tests drive a terminal with it
cmd:vim|vim|tests edit a file with it in that terminal
cmd:htop|htop|tests watch processes with it there
cmd:dpkg-deb|dpkg|tests install a package inside a sandbox
cmd:setpriv|util-linux|tests become an ordinary user
cmd:pgrep|procps|tests look for processes inside sandboxes
cmd:mkfs.btrfs|btrfs-progs|tests keep disks on a file system that clones files by itself
cmd:iptables|iptables|tests look whether the host's own firewall is left alone
cmd:zsh|zsh|tests press Tab in it
cmd:fish|fish|tests press Tab in it
LIST
  has chromium || has google-chrome || echo 'cmd:chromium|chromium|tests open a web app in it, which runs in a sandbox'
}

has() { command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }
hybrid_cgroups() { grep -q ' cgroup2 ' /proc/mounts && grep -qE ' cgroup .*\b(memory|cpu)\b' /proc/mounts; }
is_there() { case "$1" in cmd:*) has "${1#cmd:}" ;; file:*) [ -e "${1#file:}" ] ;; esac; }

install_packages() {
  local missing=() what package why
  while IFS='|' read -r what package why; do
    is_there "$what" && continue
    say "$package is missing: $why"
    missing+=("$package")
  done < <(needed_packages "$purpose")
  [ ${#missing[@]} -eq 0 ] && return
  apt_install "${missing[@]}"
}

apt_install() {
  command -v apt-get >/dev/null || die "missing: $*, and there is no apt-get to install them with" "install them and run this again"
  say "installing $*"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# A server that tests start themselves. The package would make a database of its own and start a service, were it not told.
install_postgresql() {
  [ "$purpose" = --for-tests ] || return 0
  ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || return 0
  say "postgresql is missing: tests reach it in a sandbox, and from one"
  local settings=/etc/postgresql-common/createcluster.d
  as_root mkdir -p "$settings"
  echo 'create_main_cluster = false' | as_root tee "$settings/tenki.conf" >/dev/null
  apt_install postgresql || { as_root rm -f "$settings/tenki.conf"; die "postgresql cannot be installed"; }
  as_root rm -f "$settings/tenki.conf"
}

# The server for inside sandboxes: out of its package, which would start a service on this machine if it were installed.
fetch_openssh() {
  local target=/usr/local/lib/tenki/openssh
  [ ! -x "$target/sshd" ] || return 0
  say "fetching OpenSSH's server for sandboxes"
  as_root bash scripts/fetch-openssh.sh "$target" || say "without it, sessions cannot be reached by ssh; everything else works"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "installing packages needs root, and there is no sudo" "run this as root once"; fi
}

# node_modules carries a copy of the lock file that it was made from: the same lock file, the same modules.
install_node_modules() {
  cmp -s package-lock.json node_modules/.tenki-lock && return
  say "installing the npm packages"
  npm ci --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json node_modules/.tenki-lock
}

purpose=${1:-}
main
