import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { createLoopStorage, type Storage } from "../src/engine/disks/loop-storage.js";
import { silentLogger } from "../src/lib/logger.js";
import { runProcess } from "../src/lib/process.js";
import { waitUntil } from "../src/lib/wait-until.js";

/**
 * What disks and snapshots of them take, without a sandbox around them: `node dist/js/bench/disk-figures.js [CYCLES]`,
 * as root. CYCLES (default 20): how often a disk is made of a snapshot and released again.
 */
const GiB = 2 ** 30;
const root = mkdtempSync(join(tmpdir(), "tenki-figures-"));

async function main(cycles: number): Promise<void> {
  const dataDir = join(root, "engine");
  const lower = join(root, "lower");
  for (const directory of [dataDir, lower]) mkdirSync(directory);
  const guestBinary = resolve("dist/tenki-guest");
  const imageMounts = async () => [{ target: "/", lowerDirectories: [lower] }];
  const storage = await createLoopStorage({ dataDir, guestBinary, imageMounts, log: silentLogger, ready: 0 });
  try {
    await measure(storage, dataDir, cycles);
  } finally {
    await storage.disks.sweep(new Set());
    await storage.snapshots.sweep(new Set());
    await storage.close();
    rmSync(root, { recursive: true });
  }
}

async function measure({ disks, snapshots }: Storage, dataDir: string, cycles: number): Promise<void> {
  const original = await disks.allocate(10 * GiB);
  await runProcess(["cp", "--archive", "/usr/include", original.directory]);
  const made = async (fromSnapshotId?: string, sizeBytes = 10 * GiB) => {
    const { handle } = await disks.allocate(sizeBytes, fromSnapshotId);
    return () => disks.release(handle);
  };
  say("snapshot of a disk of 10 GiB", await once(() => snapshots.take("s", original.handle)));
  say("a disk of 9 GiB, formatted", await median(() => made(undefined, 9 * GiB)));
  say("a disk of 10 GiB, of a formatted one", await median(() => made()));
  say("a disk of a snapshot", await median(() => made("s")));
  say("a disk of a snapshot, twice as large", await median(() => made("s", 20 * GiB)));
  const twenty = await once(() => Promise.all(Array.from({ length: 20 }, () => made("s"))));
  say("20 disks of one snapshot at once", twenty);
  await disks.sweep(new Set([original.handle]));
  say("  the longest that a writer waited, of three", await longestWait(original, snapshots));
  const taken = () => statSync(join(dataDir, "pool.img")).blocks * 512;
  const settle = () => runProcess(["sync", "--file-system", join(dataDir, "pool")]);
  await settle();
  const before = taken();
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    const { handle, directory } = await disks.allocate(10 * GiB, "s");
    writeFileSync(join(directory, "own"), Buffer.alloc(4 * 2 ** 20, cycle + 1));
    await disks.persist(handle);
    await disks.release(handle);
  }
  await settle();
  const isBack = () => (taken() - before < 2 ** 20 ? true : undefined);
  await waitUntil(isBack, { timeoutMs: 60_000, intervalMs: 100 });
  process.stdout.write(`after ${cycles} cycles: ${taken() - before} bytes more of the host than before\n`);
}

/** Of a program that writes 4 KiB each millisecond, and syncs each tenth time. */
async function longestWait(disk: { handle: string; directory: string }, snapshots: Storage["snapshots"]) {
  const program = `import os, time
worst, turn, file = 0, 0, os.open("ticks", os.O_CREAT | os.O_WRONLY)
os.set_blocking(0, False)
while True:
    try:
        if os.read(0, 1) == b"": break
    except BlockingIOError: pass
    start = time.monotonic()
    os.write(file, b"x" * 4096)
    if turn % 10 == 0: os.fsync(file)
    worst, turn = max(worst, time.monotonic() - start), turn + 1
    time.sleep(0.001)
print(worst * 1000)`;
  const writer = spawn("python3", ["-c", program], {
    cwd: disk.directory,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const said = text(writer.stdout);
  await waitUntil(() => (existsSync(join(disk.directory, "ticks")) ? true : undefined), {
    timeoutMs: 10_000,
  });
  for (const id of ["a", "b", "c"]) await snapshots.take(id, disk.handle);
  writer.stdin.end();
  return Number(await said);
}

async function once(action: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await action();
  return performance.now() - since;
}

/** Of nine, each undone before the next. */
async function median(action: () => Promise<() => Promise<void>>): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < 9; turn += 1) {
    const since = performance.now();
    const undo = await action();
    times.push(performance.now() - since);
    await undo();
  }
  return times.sort((a, b) => a - b)[4] ?? 0;
}

const say = (what: string, ms: number) =>
  process.stdout.write(`${what.padEnd(48)} ${ms.toFixed(1).padStart(8)} ms\n`);

await main(Number(process.argv[2] ?? 20));
