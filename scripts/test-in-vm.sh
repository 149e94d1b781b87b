#!/usr/bin/env bash
# Runs tests in a virtual machine whose cgroups are pure version 2, with systemd: what most machines have, and a
# developer's may not. Takes minutes with KVM and many more without; `npm test` does not need it.
#   test-in-vm.sh [WORD…]          tests whose paths contain a word (default: those that start sandboxes)
#   TENKI_VM_RUNTIME=runc          the OCI runtime inside (default: crun)
#   TENKI_VM_ACCEL=kvm|tcg         default: kvm where /dev/kvm can be opened; tcg where a machine that is virtual
#                                  itself offers a KVM that does not work
#   TENKI_VM_DIRECTORY=DIR         where the system and the image are kept for the next time
set -euo pipefail
cd "$(dirname "$0")/.."

runtime=${TENKI_VM_RUNTIME:-crun}
place=${TENKI_VM_DIRECTORY:-/var/tmp/tenki-vm}
root=$place/root
image=$place/disk.img
report=$place/report.txt
timeout=${TENKI_VM_TIMEOUT:-3600}

main() {
  [ "$(id -u)" = 0 ] || die "this makes a system tree, which takes root" "sudo bash scripts/test-in-vm.sh"
  for tool in debootstrap qemu-system-x86_64 mke2fs; do
    command -v "$tool" >/dev/null || die "$tool is missing" "apt-get install debootstrap qemu-system-x86 e2fsprogs"
  done
  mkdir -p "$place"
  [ -e "$place/made" ] || make_system
  put_clone "$@"
  run_machine
  conclude
}

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$1" >&2; [ -z "${2:-}" ] || printf 'hint: %s\n' "$2" >&2; exit 1; }

# Debian from where this machine has its own packages, with everything that setup.sh would install: the machine
# has no network.
make_system() {
  local release mirror
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $release" | head -n 1)
  [ -n "$mirror" ] || die "apt has no source for $release" "apt-get update"
  say "making a system: $release"
  rm -rf "$root"
  debootstrap --variant=minbase "$release" "$root" "$mirror" >"$place/debootstrap.log"
  cp /etc/resolv.conf "$root/etc/"
  local packages=(
    "linux-image-cloud-$(dpkg --print-architecture)" systemd-sysv dbus-user-session libpam-systemd udev kmod
    crun runc sudo iproute2 nftables e2fsprogs mount uidmap slirp4netns
    git curl openssl python3 tmux vim htop rsync openssh-client procps iptables zsh fish
  )
  chroot "$root" apt-get update -qq
  chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >"$place/apt.log" 2>&1
  echo '/dev/vda / ext4 defaults 0 1' >"$root/etc/fstab"
  echo tenki-vm >"$root/etc/hostname"
  echo '127.0.0.1 localhost tenki-vm' >"$root/etc/hosts"
  touch "$place/made"
}

# This clone with what is built of it here; inside nothing is built or installed.
put_clone() {
  say "building"
  npm run --silent build
  rm -rf dist/js/test dist/tsc.tsbuildinfo && npx tsc -p .
  local clone=$root/root/tenki files
  rm -rf "$clone" && mkdir -p "$clone"
  git ls-files -z | tar --create --null --files-from=- | tar --extract --directory "$clone"
  cp -a dist "$clone/"
  mkdir "$clone/node_modules" && cp -a node_modules/. "$clone/node_modules/" # which may be a link
  install -m 755 "$(command -v node)" "$root/usr/local/bin/node"
  [ $# -gt 0 ] || set -- e2e/exec e2e/engine e2e/isolation e2e/without-root runtime/limits runtime/lifecycle
  mapfile -t files < <(for word in "$@"; do find dist/js/test -path "*$word*.test.js"; done | sort -u)
  [ ${#files[@]} -gt 0 ] || die "no test has any of these words in its path: $*"
  printf '%s\n' "${files[@]}" >"$clone/.tests"
  put_runner "$clone"
  say "making the disk"
  rm -f "$image" && truncate -s 16G "$image" && mke2fs -q -F -t ext4 -d "$root" "$image"
}

# Runs the tests on a terminal that the host sees as a file, and switches the machine off.
put_runner() {
  cat >"$1/.run-tests" <<RUNNER
cd /root/tenki
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# One of the two goes: what is left is what an engine finds.
case $runtime in crun) rm -f /usr/sbin/runc /usr/bin/runc ;; runc) rm -f /usr/bin/crun ;; esac
echo "kernel \$(uname -r), \$(stat -f -c %T /sys/fs/cgroup), \$($runtime --version | head -n 1)"
mapfile -t files <.tests
node --test --test-concurrency=1 --test-reporter=spec --enable-source-maps "\${files[@]}"
echo "exit code \$?"
RUNNER
  cat >"$root/etc/systemd/system/tenki-tests.service" <<'UNIT'
[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/bin/bash /root/tenki/.run-tests
ExecStopPost=/bin/systemctl --no-block poweroff
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS1
UNIT
  local wants=$root/etc/systemd/system/multi-user.target.wants
  mkdir -p "$wants" && ln -sf ../tenki-tests.service "$wants/"
}

run_machine() {
  local accel=${TENKI_VM_ACCEL:-} cpu options
  [ -n "$accel" ] || { [ -w /dev/kvm ] && accel=kvm || accel=tcg; }
  case $accel in kvm) cpu=host ;; *) cpu=max accel=tcg,thread=multi ;; esac
  options=(
    -accel "$accel" -cpu "$cpu" -smp 2 -m 4096 -nographic -no-reboot -nic none -monitor none
    -kernel "$(echo "$root"/boot/vmlinuz-*)" -initrd "$(echo "$root"/boot/initrd.img-*)"
    -append "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=no"
    -drive "file=$image,if=virtio,format=raw,cache=unsafe"
    -serial "file:$place/console.log" -serial "file:$report"
  )
  say "running ($accel); tail -f $report"
  timeout "$timeout" qemu-system-x86_64 "${options[@]}" || die "the machine did not end by itself" "see $place/console.log"
}

conclude() {
  tr -d '\r' <"$report"
  grep -q '^exit code 0' "$report" || die "tests failed in the machine"
}

main "$@"
