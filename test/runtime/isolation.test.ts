import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { sandboxCapabilities } from "../../src/engine/runtime/capabilities.js";
import { Workbench } from "./support/workbench.js";

let bench: Workbench;
let sandbox: string;
before(async () => {
  bench = await Workbench.open();
  sandbox = await bench.start();
});
after(() => bench.close());

const root = { privileged: true };

/** The numbers of the kernel's header. */
const capabilityNumbers: Readonly<Record<(typeof sandboxCapabilities)[number], number>> = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_FOWNER: 3,
  CAP_FSETID: 4,
  CAP_KILL: 5,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_SETPCAP: 8,
  CAP_NET_BIND_SERVICE: 10,
  CAP_SYS_CHROOT: 18,
  CAP_AUDIT_WRITE: 29,
  CAP_SETFCAP: 31,
};
const mask = sandboxCapabilities
  .reduce((sum, name) => sum | (1n << BigInt(capabilityNumbers[name])), 0n)
  .toString(16)
  .padStart(16, "0");
const none = "0".repeat(16);

async function statusOf(
  pid: string,
  options: { privileged?: boolean } = {},
): Promise<Record<string, string>> {
  const { stdout } = await bench.shell(sandbox, `cat /proc/${pid}/status`, options);
  return Object.fromEntries(stdout.split("\n").map((line) => line.split(/:\s*/) as [string, string]));
}

test("pid 1, a command and a privileged command run under the filter, within the same capabilities", async () => {
  const expected = { Seccomp: "2", CapBnd: mask, CapInh: none, CapAmb: none };
  const asRoot = { ...expected, CapPrm: mask, CapEff: mask };
  const asUser = { ...expected, CapPrm: none, CapEff: none };
  for (const [status, wanted] of [
    [await statusOf("1", root), asRoot],
    [await statusOf("self", root), asRoot],
    [await statusOf("self"), asUser],
  ] as const) {
    const shown = Object.fromEntries(Object.keys(wanted).map((key) => [key, status[key]]));
    assert.deepEqual(shown, wanted);
  }
});

test("root inside gets none of the kernel's doors, by any convention", async () => {
  const probe = readFileSync("test/runtime/support/probe.c", "utf8");
  const { stdout, stderr } = await bench.shell(
    sandbox,
    `cat > probe.c <<'END'\n${probe}\nEND\ngcc -o probe probe.c && ./probe`,
    root,
  );
  const said = Object.fromEntries(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split(": ") as [string, string]),
  );
  const refused = (errno: string, ...names: string[]) => names.map((name) => [name, errno]);
  const expected = Object.fromEntries([
    ...refused("ENOSYS", "clone newuser", "clone newuser, high bits", "clone3", "fsopen", "io_uring_setup"),
    ...refused("ENOSYS", "keyctl", "add_key", "personality, read implies exec", "socket netlink netfilter"),
    ...refused("EPERM", "unshare", "setns", "mount", "pivot_root", "open_by_handle_at", "bpf"),
    ...refused("EPERM", "perf_event_open", "userfaultfd", "init_module", "kexec_load", "reboot", "swapon"),
    ...refused("EPERM", "clock_settime", "sethostname", "socket inet raw"),
    ...refused("EAFNOSUPPORT", "socket vsock", "socket vsock, high bits", "socket alg", "socket packet"),
    ...refused("ok", "personality, query", "socket netlink route"),
  ]);
  if (process.arch === "x64") {
    Object.assign(expected, {
      "32 getpid": "ok",
      "32 socket unix": "ok",
      "32 socketcall vsock": "EPERM",
      "32 socketcall alg": "EPERM",
      "32 socket alg": "EAFNOSUPPORT",
      "32 unshare": "EPERM",
      "32 clone newuser": "ENOSYS",
      "x32 getpid": "SYS",
    });
  }
  assert.deepEqual(said, expected, stderr);
});

test("no device can be made, and none of the host's is there", async () => {
  const { stdout } = await bench.shell(
    sandbox,
    "mknod /tmp/null c 1 3; mknod /tmp/disk b 7 0; ls /tmp; ls /dev; ls /sys/devices/virtual/block",
    root,
  );
  const expected = ["fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero"];
  assert.deepEqual(
    stdout
      .trim()
      .split(/\s+/)
      .filter((name) => name !== "core"),
    expected[0]?.split(" "),
  );
});

test("settings of the machine cannot be written, and its memory and keys not read", async () => {
  const { stdout } = await bench.shell(
    sandbox,
    `for file in /proc/sys/kernel/panic /proc/sys/vm/swappiness /sys/kernel/mm/ksm/run /sys/fs/cgroup/x \
      /sys/fs/cgroup/*/cgroup.procs /proc/bus/x /proc/fs/x /proc/irq/x /run/tenki/guest
    do (echo 1 > $file) 2>/dev/null && echo written $file; done
    for file in /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug
    do [ -s $file ] && [ "$(head -c 1 $file | wc -c)" != 0 ] && echo read $file; done
    ls -A /sys/firmware /proc/acpi /proc/scsi 2>/dev/null | grep -v : | grep . ; dmesg 2>&1 | head -1`,
    root,
  );
  assert.equal(stdout.trim(), "dmesg: read kernel buffer failed: Operation not permitted");
});

test("the network is its own: nothing of it can be changed, low ports are for everybody", async () => {
  const { stdout } = await bench.shell(
    sandbox,
    `ip link add x type dummy; ip link set lo down
    ls /sys/class/net; python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 80)); print("bound")'`,
    root,
  );
  assert.equal(stdout, "lo\nbound\n");
  const asUser = await bench.shell(
    sandbox,
    `python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 81)); print("bound")'`,
  );
  assert.equal(asUser.stdout, "bound\n");
});

test("the host's files, processes and loopback services are out of reach", async () => {
  const directory = mkdtempSync(join(tmpdir(), "tenki-secret-"));
  const secret = join(directory, "secret");
  writeFileSync(secret, "s3cret", { mode: 0o644 });
  const server = createServer((socket) => socket.end("s3cret"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  try {
    const { stdout } = await bench.shell(
      sandbox,
      `cat ${secret}; ls ${bench.dataDir}; ls -A /root /home/tenki/.. /opt /srv /mnt
      cat < /dev/tcp/127.0.0.1/${port}; ps -eo pid= | wc -l; kill -0 ${process.pid} && echo reached
      cat /proc/1/environ | tr '\\0' '\\n' | cut -d= -f1; stat -c %u /proc/1/root/root`,
      root,
    );
    assert.doesNotMatch(stdout, /s3cret|reached/);
    const processes = Number(/^\s*(\d+)$/m.exec(stdout)?.[1]);
    assert.ok(processes < 10, `${processes} processes in sight`);
    assert.match(stdout, /^PATH$/m);
  } finally {
    server.close();
    rmSync(directory, { recursive: true });
  }
});

test("no two sandboxes meet", async () => {
  const other = await bench.start();
  const file = `meet-${other}`;
  await bench.shell(
    other,
    `echo here > /tmp/${file}; echo here > /dev/shm/${file}; ipcmk -M 64 >/dev/null; (setsid sleep 1234 >/dev/null 2>&1 &)`,
  );
  const { stdout } = await bench.shell(
    sandbox,
    `ls /tmp /dev/shm | grep ${file}; ipcs -m | grep -c 0x; ps -eo args= | grep -c '^sleep 1234'; hostname`,
    root,
  );
  assert.equal(stdout, "0\n0\nbench\n");
  await bench.stop(other);
});

test("nothing on the disk is a program, a privilege or a device to the host", async () => {
  await bench.shell(
    sandbox,
    "cp /bin/bash /tmp/suid && chmod 4755 /tmp/suid && setcap cap_sys_admin+ep /tmp/suid",
    root,
  );
  const { directory } = bench.diskOf(sandbox);
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  const options =
    mounts
      .find((line) => line.includes(` ${directory} `))
      ?.split(" ")[3]
      ?.split(",") ?? [];
  for (const option of ["nosuid", "nodev", "noexec"]) assert.ok(options.includes(option), options.join());
  assert.equal(statSync(join(bench.dataDir, "sessions")).mode & 0o077, 0);
  assert.equal(statSync(join(bench.dataDir, "disks")).mode & 0o077, 0);
});

test("pid 1 holds sockets that were made outside, as is said of memory in snapshots", async () => {
  const { stdout } = await bench.shell(
    sandbox,
    "readlink /proc/1/fd/2; readlink /proc/1/fd/*; cut -d' ' -f7 /proc/net/unix",
    root,
  );
  const [stderr = "", ...lines] = stdout.trim().split("\n");
  const inodeOf = (target: string) => /^socket:\[(\d+)\]$/.exec(target)?.[1];
  const made = lines.filter((line) => /^\d+$/.test(line));
  const outside = lines.map(inodeOf).filter((inode) => inode !== undefined && !made.includes(inode));
  const listening = readFileSync("/proc/net/unix", "utf8")
    .split("\n")
    .map((line) => line.split(/\s+/))
    .filter(([, , , flags, , , inode = ""]) => flags === "00010000" && outside.includes(inode));
  assert.ok(outside.includes(inodeOf(stderr)), `its standard error, ${stderr}, is of the sandbox`);
  assert.equal(listening.length, 1, "what it listens on is of the sandbox");
});

test("pid 1 has nothing of the host's open", async () => {
  const { stdout } = await bench.shell(sandbox, "for fd in /proc/1/fd/*; do readlink $fd; done", root);
  for (const target of stdout.trim().split("\n")) {
    assert.match(target, /^(\/dev\/null|(socket|pipe):\[\d+\]|anon_inode:\[\w+\])$/);
  }
});
