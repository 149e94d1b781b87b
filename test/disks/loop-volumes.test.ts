import assert from "node:assert/strict";
import {
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, afterEach, beforeEach, test } from "node:test";
import type { TenkiError } from "../../src/domain/error.js";
import type { VolumeDisks } from "../../src/engine/core/ports/volume-disks.js";
import { loopDevicesOf } from "../../src/engine/disks/loop-devices.js";
import { createLoopVolumes } from "../../src/engine/disks/loop-volumes.js";
import { silentLogger } from "../../src/lib/logger.js";
import { mountsBelow } from "../../src/lib/mount-table.js";
import { runProcess, tryProcess } from "../../src/lib/process.js";
import { refused } from "../core/refused.js";

const dataDir = mkdtempSync(join(tmpdir(), "tenki-volumes-"));
const place = join(dataDir, "volumes");
const MiB = 2 ** 20;
const nobody = new Set<string>();

let volumes: VolumeDisks;
beforeEach(async () => {
  volumes = await createLoopVolumes({ dataDir, log: silentLogger });
});
afterEach(async () => {
  await volumes.sweep(nobody, nobody);
  assert.deepEqual(readdirSync(place), []);
  assert.deepEqual(await mountsBelow(dataDir), []);
});
after(() => rmSync(dataDir, { recursive: true, force: true }));

const fill = async (directory: string) => {
  const { stderr } = await tryProcess(["dd", "if=/dev/zero", `of=${join(directory, "big")}`, "bs=64k"]);
  assert.match(stderr, /No space left on device/);
  await runProcess(["sync", "--file-system", directory]);
  return statSync(join(directory, "big")).size;
};

test("a new one is empty, its user's, and takes next to nothing of the host", async () => {
  await volumes.make("a");
  const directory = await volumes.open("a", 10 * MiB);
  assert.deepEqual(readdirSync(directory), []);
  assert.equal(statSync(directory).uid, 1_000);
  assert.ok(statSync(`${directory}.img`).blocks * 512 < 4 * MiB);
});

test("it holds its size, which is another one at once", async () => {
  await volumes.make("a");
  let directory = await volumes.open("a", MiB);
  assert.ok((await fill(directory)) <= MiB);
  await volumes.open("a", 8 * MiB);
  assert.ok((await fill(directory)) > 7 * MiB);
  assert.ok(((await volumes.usedBytes("a")) ?? 0) > 7 * MiB);
  await volumes.close("a");
  assert.equal(await volumes.usedBytes("a"), undefined);
  directory = await volumes.open("a", 8 * MiB);
  assert.match(
    (await tryProcess(["dd", "if=/dev/zero", `of=${directory}/b`, "bs=1M", "count=2"])).stderr,
    /No space/,
  );
});

test("the largest holds what it says", async () => {
  await volumes.make("a");
  const directory = await volumes.open("a", 100 * 2 ** 30);
  const free = Number(await runProcess(["stat", "--file-system", "--format=%a", directory])) * 4_096;
  assert.ok(free > 100 * 2 ** 30 - MiB && free <= 100 * 2 ** 30, `${free}`);
});

test("what is deleted on it is given back to the host", async () => {
  await volumes.make("a");
  const directory = await volumes.open("a", 64 * MiB);
  await fill(directory);
  const taken = () => statSync(`${directory}.img`).blocks * 512;
  assert.ok(taken() > 60 * MiB);
  rmSync(join(directory, "big"));
  await volumes.close("a");
  assert.ok(taken() < 30 * MiB, `${taken()}`);
});

test("what was synced is in the image, and the medium was told to keep it, before it is closed", async () => {
  await volumes.make("a");
  await volumes.make("copy");
  const directory = await volumes.open("a", 64 * MiB);
  const [device = ""] = await loopDevicesOf(join(place, "a.img"));
  const flushes = () =>
    Number(
      readFileSync(join("/sys/block", basename(device), "stat"), "utf8")
        .trim()
        .split(/\s+/)[15],
    );
  const before = flushes();
  const file = openSync(join(directory, "file"), "w");
  writeSync(file, "synced");
  fsyncSync(file);
  assert.ok(flushes() > before, "no barrier reached the device");
  await runProcess(["cp", "--sparse=always", join(place, "a.img"), join(place, "copy.img")]);
  closeSync(file);
  const found = await volumes.open("copy", 64 * MiB);
  assert.equal(readFileSync(join(found, "file"), "utf8"), "synced");
});

test("one that somebody on the host looks into stays, and says so", async () => {
  await volumes.make("a");
  const directory = await volumes.open("a", 10 * MiB);
  const file = openSync(join(directory, "file"), "w");
  await assert.rejects(volumes.remove("a"), refused("failed_precondition", "volume is in use"));
  closeSync(file);
});

test("none takes another's place", async () => {
  writeFileSync(join(place, "a.img"), "somebody else's");
  await assert.rejects(volumes.make("a"), /EEXIST/);
  assert.equal(readFileSync(join(place, "a.img"), "utf8"), "somebody else's");
});

test("where the host's disk is full none is made, nothing is left, and it says what to do", async () => {
  const full = mkdtempSync(join(tmpdir(), "tenki-full-"));
  await runProcess(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", full]);
  try {
    const cramped = await createLoopVolumes({ dataDir: full, log: silentLogger });
    const isFull = (error: TenkiError) =>
      error.kind === "resource_exhausted" && /free at least/.test(error.hint ?? "");
    await assert.rejects(cramped.make("a"), isFull);
    assert.deepEqual(readdirSync(join(full, "volumes")), []);
  } finally {
    await runProcess(["umount", full]);
    rmSync(full, { recursive: true });
  }
});

test("one whose image is gone says so", async () => {
  await assert.rejects(volumes.open("a", MiB), refused("data_loss", "gone"));
});

test("a start keeps what is whose, and closes what nobody has", async () => {
  for (const id of ["used", "idle", "nobodys"]) {
    await volumes.make(id);
    await volumes.open(id, MiB);
  }
  await volumes.sweep(new Set(["used", "idle"]), new Set(["used"]));
  assert.deepEqual(readdirSync(place).sort(), ["idle.img", "used", "used.img"]);
  assert.deepEqual(
    (await mountsBelow(dataDir)).map(({ mountPoint }) => basename(mountPoint)),
    ["used"],
  );
});
