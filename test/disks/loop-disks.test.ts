import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, test } from "node:test";
import type { TenkiError } from "../../src/domain/error.js";
import { defaultResources } from "../../src/domain/resources.js";
import type { Disks } from "../../src/engine/core/ports/disks.js";
import { createLoopDisks } from "../../src/engine/disks/loop-disks.js";
import { silentLogger } from "../../src/lib/logger.js";
import { mountsBelow } from "../../src/lib/mount-table.js";
import { runProcess, tryProcess } from "../../src/lib/process.js";
import { waitUntil } from "../../src/lib/wait-until.js";

const dataDir = mkdtempSync(join(tmpdir(), "tenki-disks-"));
const open: Disks[] = [];
const disksWith = async (ready: number): Promise<Disks> => {
  const disks = await createLoopDisks({ dataDir, log: silentLogger, ready });
  open.push(disks);
  return disks;
};
const MiB = 2 ** 20;
const defaultSize = defaultResources.diskSizeGb * 2 ** 30;

/** What there is of disks: files, mounts, and loop devices. */
async function traces(directory = dataDir): Promise<string[]> {
  const mounts = (await mountsBelow(join(directory, "disks"))).map(({ mountPoint }) => mountPoint);
  const loops = readdirSync("/sys/block").flatMap((name) => {
    const file = `/sys/block/${name}/loop/backing_file`;
    return existsSync(file) ? [readFileSync(file, "utf8").trim()] : [];
  });
  const files = readdirSync(join(directory, "disks"));
  return [...mounts, ...loops.filter((file) => file.startsWith(directory)), ...files];
}

afterEach(async () => {
  for (const disks of open.splice(0)) {
    await disks.close();
    await disks.sweep(new Set());
  }
});
after(() => rmSync(dataDir, { recursive: true, force: true }));

test("a disk is empty, holds what it was asked for, and no more", async () => {
  const disks = await disksWith(0);
  const { directory } = await disks.allocate(64 * MiB);
  assert.deepEqual(readdirSync(directory), []);
  const { exitCode, stderr } = await tryProcess(["dd", "if=/dev/zero", `of=${directory}/big`, "bs=1M"]);
  assert.equal(exitCode, 1);
  assert.match(stderr, /No space left on device/);
  // What the file system itself takes is little, and no part is kept back for root.
  assert.ok(statSync(join(directory, "big")).size > 52 * MiB);
});

test("it says how full it is, as long as it is there", async () => {
  const disks = await disksWith(0);
  const { handle, directory } = await disks.allocate(64 * MiB);
  const before = (await disks.usage(handle)) ?? assert.fail();
  assert.ok(before.sizeBytes > 52 * MiB && before.sizeBytes <= 64 * MiB, `${before.sizeBytes}`);
  writeFileSync(join(directory, "some"), Buffer.alloc(10 * MiB));
  await runProcess(["sync", "--file-system", directory]);
  const { usedBytes } = (await disks.usage(handle)) ?? assert.fail();
  assert.ok(usedBytes - before.usedBytes >= 10 * MiB, `${before.usedBytes} → ${usedBytes}`);
  await runProcess(["umount", directory]);
  assert.equal(await disks.usage(handle), undefined, "not the host's file system that lies below");
  await disks.release(handle);
  assert.equal(await disks.usage(handle), undefined);
});

test("it takes no more of the host than is written to it", async () => {
  const disks = await disksWith(0);
  const { handle } = await disks.allocate(100 * 2 ** 30);
  const image = statSync(join(dataDir, "disks", `${handle}.img`));
  assert.equal(image.size, 100 * 2 ** 30);
  assert.ok(image.blocks * 512 < 4 * MiB, `${image.blocks * 512} bytes`);
  assert.equal(image.mode & 0o077, 0);
});

test("release leaves nothing, and may be repeated", async () => {
  const disks = await disksWith(0);
  const { handle, directory } = await disks.allocate(64 * MiB);
  writeFileSync(join(directory, "file"), "content");
  assert.equal((await traces()).length, 4);
  await disks.release(handle);
  assert.deepEqual(await traces(), []);
  await disks.release(handle);
  await disks.release("never-there");
});

test("release of a disk that somebody on the host looks into gives its room back all the same", async () => {
  const disks = await disksWith(0);
  const { handle, directory } = await disks.allocate(64 * MiB);
  writeFileSync(join(directory, "file"), "content");
  const before = process.cwd();
  process.chdir(directory);
  try {
    await disks.release(handle);
    assert.deepEqual(readdirSync(join(dataDir, "disks")), []);
  } finally {
    process.chdir(before);
  }
  await waitUntil(async () => ((await traces()).length === 0 ? true : undefined), { timeoutMs: 5_000 });
  assert.deepEqual(await traces(), []);
});

test("disks of the default size are made ahead of need, anew after use, and given up at the end", async () => {
  const disks = await disksWith(2);
  const ready = async () =>
    (await mountsBelow(join(dataDir, "disks"))).map(({ mountPoint }) => mountPoint).sort();
  const full = () =>
    waitUntil(async () => ((await ready()).length === 2 ? true : undefined), { timeoutMs: 10_000 });
  assert.equal(await full(), true);
  const offered = await ready();
  const disk = await disks.allocate(defaultSize);
  assert.ok(offered.includes(disk.directory), "one that was ready is taken");
  assert.notEqual((await disks.allocate(64 * MiB)).directory, offered[1], "another size is made anew");
  await waitUntil(async () => ((await ready()).length === 4 ? true : undefined), { timeoutMs: 10_000 });
  assert.equal((await ready()).length, 4, "the pool was filled up");
  await disks.close();
  assert.equal((await ready()).length, 2, "allocated disks stay as they are");
  assert.ok(existsSync(disk.directory));
});

test("many at once get one each, whether ready or not", async () => {
  const disks = await disksWith(2);
  const made = await Promise.all(Array.from({ length: 5 }, () => disks.allocate(defaultSize)));
  assert.equal(new Set(made.map(({ handle }) => handle)).size, 5);
  for (const { directory } of made) writeFileSync(join(directory, "file"), directory);
  for (const { directory } of made) assert.equal(readFileSync(join(directory, "file"), "utf8"), directory);
});

test("sweep removes what nobody keeps, half-made ones too, but not what is ready", async () => {
  const killed = await disksWith(0);
  const [kept, lost] = [await killed.allocate(64 * MiB), await killed.allocate(64 * MiB)];
  writeFileSync(join(dataDir, "disks", "half-made.img"), "");
  const disks = await disksWith(1);
  const mounted = () => mountsBelow(join(dataDir, "disks"));
  await waitUntil(async () => ((await mounted()).length === 3 ? true : undefined), { timeoutMs: 5_000 });
  await disks.sweep(new Set([kept.handle]));
  const left = (await mounted()).map(({ mountPoint }) => mountPoint);
  assert.equal(left.length, 2);
  assert.ok(left.includes(kept.directory) && !left.includes(lost.directory));
  assert.equal(readdirSync(join(dataDir, "disks")).length, 4);
});

test("a full host says where, keeps its kind, and nothing is left half-made", async () => {
  const small = mkdtempSync(join(tmpdir(), "tenki-small-"));
  await runProcess(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", small]);
  try {
    const disks = await createLoopDisks({ dataDir: small, log: silentLogger, ready: 0 });
    const fill = (bytes: number) => writeFileSync(join(small, "filler"), Buffer.alloc(bytes, 1));
    fill(40 * MiB);
    await assert.rejects(disks.allocate(64 * MiB), (error: unknown) => {
      assert.equal((error as TenkiError).kind, "resource_exhausted");
      assert.equal((error as TenkiError).message, `no space left in ${small}/disks`);
      assert.match((error as TenkiError).hint ?? "", /free at least 64 MiB/);
      return true;
    });
    assert.deepEqual(await traces(small), []);
    rmSync(join(small, "filler"));
    const { handle } = await disks.allocate(64 * MiB);
    await disks.release(handle);
  } finally {
    await runProcess(["umount", small]);
    rmSync(small, { recursive: true });
  }
});

/** What is left of a disk when the power goes: its image as it is at that moment, and not unmounted. */
function losePower(handle: string): string {
  const survivor = `${handle}-after`;
  const [image, copy] = [handle, survivor].map((name) => join(dataDir, "disks", `${name}.img`));
  copyFileSync(image ?? "", copy ?? "");
  return survivor;
}

test("what was persisted is there when the machine comes back, and can be written to", async () => {
  const disks = await disksWith(0);
  const { handle, directory } = await disks.allocate(64 * MiB);
  writeFileSync(join(directory, "kept"), Buffer.alloc(3 * MiB, "k"));
  await disks.persist(handle);
  const survivor = losePower(handle);
  await disks.release(handle);
  const again = await disks.reopen(survivor);
  assert.equal(again.handle, survivor);
  assert.deepEqual(readFileSync(join(again.directory, "kept")), Buffer.alloc(3 * MiB, "k"));
  writeFileSync(join(again.directory, "more"), "more");
  assert.equal((await disks.reopen(survivor)).directory, again.directory, "it is open: nothing is done");
  assert.equal(readFileSync(join(again.directory, "more"), "utf8"), "more");
  assert.equal((await mountsBelow(join(dataDir, "disks"))).length, 1);
});

test("what the power took is mended, or said to be damaged, or gone", async () => {
  const disks = await disksWith(0);
  const { handle, directory } = await disks.allocate(64 * MiB);
  await disks.persist(handle);
  for (let n = 0; n < 500; n += 1) writeFileSync(join(directory, `unsaved-${n}`), `${n}`);
  const survivor = losePower(handle);
  const { directory: mended } = await disks.reopen(survivor);
  writeFileSync(join(mended, "new"), "new");
  assert.equal(readFileSync(join(mended, "new"), "utf8"), "new");
  const other = losePower(survivor);
  writeFileSync(join(dataDir, "disks", `${other}.img`), Buffer.alloc(64 * MiB, 0xff));
  const dataLoss = (words: RegExp) => (error: unknown) =>
    (error as TenkiError).kind === "data_loss" && words.test((error as TenkiError).message);
  await assert.rejects(disks.reopen(other), dataLoss(/its disk is damaged/));
  await assert.rejects(disks.reopen("000000000000"), dataLoss(/its disk is gone/));
});
