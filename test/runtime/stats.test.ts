import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { maxProcesses } from "../../src/engine/runtime/bundle.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { Workbench } from "./support/workbench.js";

const MiB = 2 ** 20;

let bench: Workbench;
let sandbox: string;
before(async () => {
  bench = await Workbench.open();
  sandbox = await bench.start({ memoryMb: 512, cpuCores: 1, diskBytes: 512 * MiB });
});
after(() => bench.close());

const stats = () => bench.runtime.stats(sandbox);

/** The counts once they are as `wanted` says. */
async function until(wanted: (now: Awaited<ReturnType<typeof stats>>) => boolean) {
  const found = await waitUntil(
    async () => {
      const now = await stats();
      return wanted(now) ? now : undefined;
    },
    { timeoutMs: 20_000 },
  );
  return found ?? assert.fail(JSON.stringify(await stats()));
}

test("limits are those that the sandbox was given", async () => {
  const { cpuCores, memoryLimitBytes, processLimit } = await stats();
  assert.deepEqual([cpuCores, memoryLimitBytes, processLimit], [1, 512 * MiB, maxProcesses(512)]);
});

test("processor time grows by the work that is done", async () => {
  const { cpuUsageUs: before = assert.fail() } = await stats();
  const work = "import time\nwhile time.process_time() < 0.5: pass";
  await bench.shell(sandbox, `python3 -c '${work}'`);
  const { cpuUsageUs: after = assert.fail() } = await stats();
  assert.ok(after - before >= 500_000, `${after - before} µs`);
});

test("memory that a process holds is counted while it holds it", async () => {
  const { memoryBytes: before = assert.fail() } = await stats();
  const held = 'held = b"x" * (100 << 20); print("held", flush=True); input()';
  const command = { argv: ["python3", "-c", held], cwd: "/", privileged: false, timeoutMs: 60_000 };
  const env = { PATH: "/usr/bin:/bin" };
  const spawned = await bench.runtime.spawn(sandbox, { ...command, env }, AbortSignal.timeout(30_000));
  assert.ok(spawned.started);
  for await (const { kind } of spawned.process.events) {
    if (kind !== "stdout") continue;
    const { memoryBytes = 0 } = await stats();
    assert.ok(memoryBytes - before >= 100 * MiB, `${before} → ${memoryBytes}`);
    spawned.process.closeStdin();
  }
  await until(({ memoryBytes = 0 }) => memoryBytes < before + 50 * MiB);
});

test("what files leave in the cache is not counted", async () => {
  const { memoryBytes: before = assert.fail() } = await stats();
  await bench.shell(sandbox, "head -c 100M /dev/zero > big; sync big; cat big > /dev/null");
  await until(({ memoryBytes = 0 }) => memoryBytes < before + 50 * MiB);
  await bench.shell(sandbox, "rm big");
});

test("processes are counted", async () => {
  await until(({ processes }) => processes === 1); // pid 1 is left of what ran before
  await bench.shell(
    sandbox,
    "for i in 1 2 3 4 5; do (setsid sleep 4321 > /dev/null 2>&1 < /dev/null &); done",
  );
  await until(({ processes }) => processes === 6);
  await bench.shell(sandbox, "pkill -f 'sleep 4321'");
  await until(({ processes }) => processes === 1);
});

test("the disk is as full as what was written to it", async () => {
  const { handle } = bench.diskOf(sandbox);
  const before = (await bench.disks.usage(handle)) ?? assert.fail();
  await bench.shell(sandbox, "head -c 64M /dev/urandom > filled; sync filled");
  const filled = (await bench.disks.usage(handle)) ?? assert.fail();
  const grown = filled.usedBytes - before.usedBytes;
  assert.ok(grown >= 64 * MiB && grown < 70 * MiB, `${grown}`);
  assert.ok(filled.sizeBytes > 450 * MiB && filled.sizeBytes <= 512 * MiB, `${filled.sizeBytes}`);
  await bench.shell(sandbox, "rm filled");
});

test("looking starts nothing inside", async () => {
  const nextPid = async () => Number((await bench.shell(sandbox, "echo $$")).stdout);
  const [first, second] = [await nextPid(), await nextPid()];
  for (let n = 0; n < 20; n += 1) await stats();
  assert.equal((await nextPid()) - second, second - first, "no pid was given to anybody between");
});

test("of a sandbox that is gone nothing is known", async () => {
  const gone = await bench.start({ memoryMb: 128, diskBytes: 64 * MiB });
  await bench.stop(gone);
  assert.deepEqual(await bench.runtime.stats(gone), {});
});
