import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TenkiError } from "../../src/domain/error.js";
import { createLoopDisks } from "../../src/engine/disks/loop-disks.js";
import { silentLogger } from "../../src/lib/logger.js";
import { runProcess, tryProcess } from "../../src/lib/process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { MiB, StorageBench } from "./support/storage-bench.js";

const GiB = 1_024 * MiB;
const free = (directory: string) => {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
};
/** Gigabytes take as long as the machine is busy. */
const fill = (file: string) =>
  tryProcess(["dd", "if=/dev/zero", `of=${file}`, "bs=1M", "conv=fsync"], { timeoutMs: 5 * 60_000 });
const write = (file: string) =>
  tryProcess(["dd", "if=/dev/zero", `of=${file}`, "bs=1M", "count=8", "conv=fsync"]);

for (const fileSystem of ["xfs", "btrfs"] as const) {
  test(`where the host's own file system is ${fileSystem}, images lie on it`, async () => {
    const bench = await StorageBench.open({ host: { fileSystem, bytes: 1_200 * MiB } });
    const { disks, snapshots } = await bench.start();
    const { handle, directory } = await disks.allocate(256 * MiB);
    writeFileSync(join(directory, "file"), Buffer.alloc(100 * MiB, "x"));
    await disks.persist(handle);
    const before = free(bench.host);
    await snapshots.take("s", handle);
    const copies = await Promise.all([1, 2, 3].map(() => disks.allocate(256 * MiB, "s")));
    await runProcess(["sync", "--file-system", bench.host]);
    assert.ok(before - free(bench.host) < 50 * MiB, "it is shared");
    for (const copy of copies) assert.equal(statSync(join(copy.directory, "file")).size, 100 * MiB);
    assert.ok(!existsSync(join(bench.dataDir, "pool.img")));
    await bench.close();
  });
}

test("a pool is mounted while something uses it, is there again, and grows with what it lies on", async () => {
  const bench = await StorageBench.open({ host: { fileSystem: "ext4", bytes: 1_500 * MiB } });
  const pool = join(bench.dataDir, "pool");
  const first = await bench.start();
  const { handle, directory } = await first.disks.allocate(64 * MiB);
  writeFileSync(join(directory, "file"), "kept");
  await first.snapshots.take("s", handle);
  await first.close();
  assert.ok((await bench.mounts()).includes(pool), "a session uses it");
  await first.disks.release(handle);
  await first.close();
  await waitUntil(async () => ((await bench.mounts()).length === 0 ? true : undefined), {
    timeoutMs: 10_000,
  });
  assert.deepEqual(await bench.mounts(), []);
  assert.equal(statSync(`${pool}.img`).size, GiB);
  await bench.growHost(3 * GiB);
  const second = await bench.start();
  const { blocks, bsize } = statfsSync(pool);
  assert.ok(blocks * bsize > 1.5 * GiB, `${blocks * bsize}`);
  const copy = await second.disks.allocate(64 * MiB, "s");
  assert.equal(readFileSync(join(copy.directory, "file"), "utf8"), "kept");
  await bench.close();
});

test("what was deleted on a disk in use is given back where room is short", async () => {
  const bench = await StorageBench.open({ host: { fileSystem: "ext4", bytes: 1_200 * MiB } });
  const { disks, snapshots } = await bench.start();
  const { handle, directory } = await disks.allocate(4 * GiB);
  await fill(join(directory, "big"));
  const isFull = (error: TenkiError) => error.kind === "resource_exhausted";
  await assert.rejects(disks.allocate(64 * MiB), isFull);
  rmSync(join(directory, "big"));
  await assert.rejects(disks.persist(handle), isFull, "it says what was lost, once");
  await snapshots.take("s", handle);
  await disks.allocate(64 * MiB);
  await bench.close();
});

test("disks of an engine that had no pool go on, and snapshots of them serve", async () => {
  const bench = await StorageBench.open();
  const older = await createLoopDisks({ dataDir: bench.dataDir, log: silentLogger, ready: 0 });
  const { handle, directory } = await older.allocate(64 * MiB);
  writeFileSync(join(directory, "file"), "old");
  const { disks, snapshots } = await bench.start();
  await disks.sweep(new Set([handle]));
  assert.equal((await disks.reopen(handle)).directory, directory);
  await snapshots.take("s", handle);
  const copy = await disks.allocate(64 * MiB, "s");
  assert.equal(readFileSync(join(copy.directory, "file"), "utf8"), "old");
  assert.ok(existsSync(join(bench.dataDir, "pool/snapshots/s.img")));
  await bench.close();
});

test("sessions fill the pool before they fill the host, and what they delete is given back", async () => {
  const bench = await StorageBench.open({ host: { fileSystem: "ext4", bytes: 1_300 * MiB } });
  const { disks, snapshots } = await bench.start();
  const [greedy, other] = [await disks.allocate(2 * GiB), await disks.allocate(64 * MiB)];
  const before = free(bench.host);
  assert.equal((await fill(join(greedy.directory, "big"))).exitCode, 1);
  assert.ok(free(bench.host) > 150 * MiB, `${free(bench.host) / MiB} MiB are left to the host`);
  const isFull = (error: TenkiError) =>
    error.kind === "resource_exhausted" &&
    error.message === `no space left in ${bench.dataDir}` &&
    /free at least \d+/.test(error.hint ?? "");
  await assert.rejects(disks.allocate(64 * MiB), isFull);
  await assert.rejects(snapshots.take("s", other.handle), isFull);
  assert.deepEqual(bench.images("snapshots"), []);
  await disks.release(greedy.handle);
  const again = await disks.allocate(64 * MiB);
  assert.equal((await write(join(again.directory, "file"))).exitCode, 0);
  // By itself within half a minute; at once when the pool is told to write down what it did.
  const back = async () => {
    await runProcess(["sync", "--file-system", join(bench.dataDir, "pool")]);
    return before - free(bench.host) < 30 * MiB ? true : undefined;
  };
  const isBack = await waitUntil(back, { timeoutMs: 30_000, intervalMs: 50 });
  assert.ok(isBack, `${(before - free(bench.host)) / MiB} MiB are missing`);
  await bench.close();
});

test("a host that others fill to the last byte ends no pool: it goes on when there is room again", async () => {
  const bench = await StorageBench.open({ host: { fileSystem: "ext4", bytes: 1_300 * MiB } });
  const { disks, snapshots } = await bench.start();
  const one = await disks.allocate(512 * MiB);
  writeFileSync(join(one.directory, "kept"), "kept");
  await disks.persist(one.handle);
  await snapshots.take("before", one.handle);
  assert.equal((await fill(join(bench.host, "filler"))).exitCode, 1);
  assert.equal(free(bench.host), 0);
  await tryProcess([
    "dd",
    "if=/dev/zero",
    `of=${join(one.directory, "lost")}`,
    "bs=1M",
    "count=300",
    "conv=fsync",
  ]);
  await assert.rejects(snapshots.take("s", one.handle), { kind: "resource_exhausted" });
  await assert.rejects(disks.allocate(64 * MiB, "before"), { kind: "resource_exhausted" });
  assert.deepEqual(bench.images("snapshots"), ["before.img"]);
  rmSync(join(bench.host, "filler"));
  const two = await disks.allocate(64 * MiB, "before");
  assert.equal(readFileSync(join(two.directory, "kept"), "utf8"), "kept");
  assert.equal((await write(join(two.directory, "file"))).exitCode, 0);
  assert.ok((await bench.mounts()).includes(join(bench.dataDir, "pool")));
  await bench.close();
});

test("a pool that is damaged is not begun anew, and the start says what mends it", async () => {
  const bench = await StorageBench.open();
  const pool = join(bench.dataDir, "pool.img");
  writeFileSync(pool, Buffer.alloc(MiB, 0xff));
  await assert.rejects(bench.start(), (error: TenkiError) => {
    assert.deepEqual([error.kind, error.hint], ["data_loss", `xfs_repair ${pool}`]);
    return true;
  });
  assert.equal(statSync(pool).size, MiB);
  await bench.close();
});

test("where there is no room for a pool, images are copied whole, and the start says so", async () => {
  const bench = await StorageBench.open({ host: { fileSystem: "ext4", bytes: 400 * MiB } });
  const { disks, snapshots, warnings } = await bench.start();
  assert.match(warnings.join(), /whole copies here, for which writers wait: there is less than 512 MiB free/);
  const { handle, directory } = await disks.allocate(64 * MiB);
  writeFileSync(join(directory, "file"), Buffer.alloc(5 * MiB, "x"));
  await snapshots.take("s", handle);
  const copy = await disks.allocate(64 * MiB, "s");
  assert.deepEqual(readFileSync(join(copy.directory, "file")), Buffer.alloc(5 * MiB, "x"));
  assert.deepEqual(bench.images("snapshots"), ["s.img"]);
  await bench.close();
});
