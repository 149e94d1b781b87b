import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { maxProcesses } from "../../src/engine/runtime/bundle.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { cgroups, Workbench } from "./support/workbench.js";

let bench: Workbench;
let sandbox: string;
before(async () => {
  bench = await Workbench.open();
  sandbox = await bench.start({ memoryMb: 256, cpuCores: 1, diskBytes: 256 * 2 ** 20 });
});
after(() => bench.close());

/** A program of the sandbox that takes memory until it is stopped. */
const hog = `python3 -c '
import os
taken = []
while True: taken.append(os.urandom(1 << 20) * 8)'`;

const stillServes = async () => {
  assert.equal(await bench.runtime.isRunning(sandbox), true);
  assert.equal((await bench.shell(sandbox, "echo here")).stdout, "here\n");
};

test("a memory hog is killed, and only it", async () => {
  await bench.shell(sandbox, "(setsid sleep 4321 >/dev/null 2>&1 </dev/null &)");
  const { exit } = await bench.shell(sandbox, hog);
  assert.equal(exit.signal, "KILL");
  assert.equal((await bench.shell(sandbox, "pgrep -cf '^sleep 4321'")).stdout, "1\n");
  await stillServes();
});

test("a memory hog that the kernel should spare is killed all the same", async () => {
  const { exit } = await bench.shell(sandbox, `echo 0 > /proc/self/oom_score_adj; exec ${hog}`);
  assert.equal(exit.signal, "KILL");
  await stillServes();
});

test("full memory file systems do not end it", async () => {
  const { exit, stdout } = await bench.shell(
    sandbox,
    `for file in /dev/x /dev/shm/x /run/x /run/lock/x; do dd if=/dev/zero of=$file bs=1M status=none 2>&1; done | grep -c 'No space'
    ${hog}`,
    { privileged: true },
  );
  assert.equal(stdout, "4\n");
  assert.equal(exit.signal ?? "KILL", "KILL");
  await stillServes();
  await bench.shell(sandbox, "rm /dev/x /dev/shm/x /run/x /run/lock/x", { privileged: true });
});

test("processes are bounded, and a full table still stops with its command", async () => {
  const script = `
import os, time
count = 0
try:
    while True:
        if os.fork() == 0: time.sleep(1000)
        count += 1
except OSError as error: print(count, error.strerror, flush=True)
time.sleep(1000)`;
  const roomy = await bench.start({ memoryMb: 4096 });
  const { stdout, exit } = await bench.shell(roomy, `python3 -c '${script}'`, { timeoutMs: 12_000 });
  assert.equal(exit.timedOut, true);
  const [, count, reason] = /^(\d+) (.*)$/m.exec(stdout) ?? [];
  assert.equal(reason, "Resource temporarily unavailable");
  const most = maxProcesses(4096);
  assert.ok(Number(count) > most - 50 && Number(count) < most, count);
  assert.equal((await bench.shell(roomy, "ps -eo comm= | grep -c python3")).stdout, "0\n");
  await bench.stop(roomy);
});

test("a fork bomb ends with its sandbox, and the host goes on", async () => {
  const doomed = await bench.start({ memoryMb: 2048 });
  const bomb = "bomb() { bomb | bomb & }; bomb";
  await bench.shell(doomed, `(setsid bash -c '${bomb}' >/dev/null 2>&1 </dev/null &)`);
  const [cgroup = ""] = cgroups(`tenki-${bench.instanceId}/${doomed}`);
  const count = () => readFileSync(`${cgroup}/cgroup.procs`, "utf8").trim().split("\n").length;
  assert.ok(await waitUntil(() => count() > 500 || undefined, { timeoutMs: 30_000 }));
  const began = performance.now();
  await bench.stop(doomed);
  assert.ok(performance.now() - began < 10_000);
  assert.deepEqual(
    (await bench.traces()).filter((line) => line.includes(doomed)),
    [],
  );
  await stillServes();
});

test("processor time is bounded", async () => {
  // Two spinning processes for a second of the clock: as much as one processor gives.
  const { stdout } = await bench.shell(
    sandbox,
    `python3 -c '
import os, time
end = time.monotonic() + 1
children = [os.fork() for _ in range(1)]
while time.monotonic() < end: pass
if children[0]:
    os.wait()
    used = os.times()
    print(used.user + used.system + used.children_user + used.children_system)'`,
  );
  assert.ok(Number(stdout) < 1.35, `${stdout.trim()} s of processor time in 1 s`);
});

test("the disk is full when its size is reached, and can be used again when there is room", async () => {
  const { stdout } = await bench.shell(
    sandbox,
    "dd if=/dev/zero of=big bs=1M 2>&1 | grep -o 'No space left on device'; stat -c %s big; rm big; echo again > small; cat small",
  );
  const [said, size, again] = stdout.trim().split("\n");
  assert.equal(said, "No space left on device");
  assert.ok(Number(size) > 200 * 2 ** 20 && Number(size) < 256 * 2 ** 20, size);
  assert.equal(again, "again");
});

test("the other overlay counts against the same disk", async () => {
  const { stdout } = await bench.shell(
    sandbox,
    "dd if=/dev/zero of=/usr/share/big bs=1M 2>&1 | grep -o 'No space left on device'; rm /usr/share/big",
    { privileged: true },
  );
  assert.equal(stdout, "No space left on device\n");
});

test("programs see what they were given", async () => {
  const { stdout } = await bench.shell(
    sandbox,
    `cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null
    cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null; ulimit -c; [ $(ulimit -Sn) -ge 4096 ] && echo enough`,
  );
  assert.equal(stdout, `${256 * 2 ** 20}\n${maxProcesses(256)}\n0\nenough\n`);
});
