import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { open as openFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, afterEach, test } from "node:test";
import type { TenkiError } from "../../src/domain/error.js";
import { createLoopStorage, type Storage } from "../../src/engine/disks/loop-storage.js";
import { loopDevicesOf } from "../../src/engine/disks/loop-devices.js";
import { silentLogger } from "../../src/lib/logger.js";
import { mountsBelow } from "../../src/lib/mount-table.js";
import { runProcess } from "../../src/lib/process.js";
import { testSnapshotContract } from "./support/snapshot-contract.js";

const dataDir = mkdtempSync(join(tmpdir(), "tenki-snapshots-"));
const MiB = 2 ** 20;
const nobody = new Set<string>();
const open: Storage[] = [];

const storage = async (): Promise<Storage> => {
  const opened = await createLoopStorage({
    dataDir,
    guestBinary: resolve("dist/tenki-guest"),
    imageMounts: async () => [{ target: "/", lowerDirectories: ["/var/empty"] }],
    log: silentLogger,
    ready: 0,
  });
  open.push(opened);
  return opened;
};

afterEach(async () => {
  for (const each of open.splice(0)) {
    await each.disks.sweep(nobody);
    await each.snapshots.sweep(nobody);
    await each.close();
  }
  assert.deepEqual(await mountsBelow(dataDir), []);
  assert.deepEqual(await loopDevicesOf(join(dataDir, "pool.img")), []);
});
after(() => rmSync(dataDir, { recursive: true, force: true }));

testSnapshotContract("images in a pool", storage);

test("it has everything that was on the disk, whatever comes after, and each disk of it is its own", async () => {
  const { disks, snapshots } = await storage();
  const original = await disks.allocate(64 * MiB);
  writeFileSync(join(original.directory, "file"), "before");
  writeFileSync(join(original.directory, "large"), Buffer.alloc(8 * MiB, "x"));
  const { sizeBytes } = await snapshots.take("s", original.handle);
  const used = await disks.usage(original.handle);
  assert.equal(sizeBytes, used?.usedBytes);
  assert.ok(sizeBytes > 8 * MiB && sizeBytes < 9 * MiB, `${sizeBytes}`);
  writeFileSync(join(original.directory, "file"), "after");
  const [one, two] = [await disks.allocate(64 * MiB, "s"), await disks.allocate(64 * MiB, "s")];
  writeFileSync(join(one.directory, "file"), "one");
  assert.equal(readFileSync(join(two.directory, "file"), "utf8"), "before");
  assert.deepEqual(readFileSync(join(two.directory, "large")), Buffer.alloc(8 * MiB, "x"));
  await snapshots.remove("s");
  await disks.release(original.handle);
  assert.equal(readFileSync(join(two.directory, "file"), "utf8"), "before");
});

test("a disk of it is as large as asked for, and never smaller than it was", async () => {
  const { disks, snapshots } = await storage();
  const original = await disks.allocate(64 * MiB);
  writeFileSync(join(original.directory, "file"), "kept");
  await snapshots.take("s", original.handle);
  const room = ({ directory }: { directory: string }) => {
    const { blocks, bsize } = statfsSync(directory);
    return blocks * bsize;
  };
  const [smaller, larger] = [await disks.allocate(16 * MiB, "s"), await disks.allocate(256 * MiB, "s")];
  assert.equal(room(smaller), room(original));
  assert.ok(room(larger) > 230 * MiB, `${room(larger)}`);
  assert.equal(readFileSync(join(larger.directory, "file"), "utf8"), "kept");
});

test("what did not change is not copied", async () => {
  const { disks, snapshots } = await storage();
  const { handle, directory } = await disks.allocate(512 * MiB);
  writeFileSync(join(directory, "large"), Buffer.alloc(200 * MiB, "x"));
  const taken = () => statSync(join(dataDir, "pool.img")).blocks * 512;
  await disks.persist(handle);
  const before = taken();
  await snapshots.take("s", handle);
  for (let n = 0; n < 5; n += 1) await disks.allocate(512 * MiB, "s");
  await runProcess(["sync", "--file-system", join(dataDir, "pool")]);
  assert.ok(taken() - before < 40 * MiB, `${(taken() - before) / MiB} MiB more`);
});

test("of a disk that lost more than can be mended there is none, and it is said what can still be done", async () => {
  const { disks, snapshots } = await storage();
  const { handle } = await disks.allocate(64 * MiB);
  await disks.persist(handle);
  const image = await openFile(join(dataDir, "pool", "disks", `${handle}.img`), "r+");
  await image.write(Buffer.alloc(32 * MiB, 0xff), 0, 32 * MiB, 4096); // what says which files there are
  await image.close();
  await assert.rejects(snapshots.take("s", handle), (error) => {
    const { kind, message, hint } = error as TenkiError;
    assert.deepEqual([kind, hint?.split(" ").slice(0, 3).join(" ")], ["data_loss", "tenki sandbox cp"]);
    assert.match(message, /^the session's disk is damaged: ./);
    return true;
  });
  assert.deepEqual(readdirSync(join(dataDir, "pool", "snapshots")), []);
});
