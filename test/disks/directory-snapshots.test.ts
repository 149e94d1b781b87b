import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createDirectoryStorage } from "../../src/engine/disks/directory-storage.js";
import { runProcess } from "../../src/lib/process.js";
import { testSnapshotContract } from "./support/snapshot-contract.js";
import { guestBinary } from "./support/storage-bench.js";

const dataDir = mkdtempSync(join(tmpdir(), "tenki-directories-"));
const lower = join(dataDir, "lower");
mkdirSync(lower);
after(() => rmSync(dataDir, { recursive: true, force: true }));

const open = (rootless = false) =>
  createDirectoryStorage({
    dataDir,
    guestBinary,
    rootless,
    imageMounts: async () => [{ target: "/", lowerDirectories: [lower] }],
  });

testSnapshotContract("directories", async () => open());

test("a copy has owners, links, holes and what was removed, and the disk goes its own way", async () => {
  const { disks, snapshots } = open();
  assert.equal(snapshots.needsStill, true);
  const { handle, directory } = await disks.allocate(1);
  const script = `mkdir root; cd root; echo before > file; chown 1234:2345 file; ln -s /etc/shadow link
    mknod removed c 0 0; truncate --size 1G sparse`;
  await runProcess(["bash", "-ec", script], { cwd: directory });
  const { sizeBytes } = await snapshots.take("s", handle);
  assert.ok(sizeBytes > 0 && sizeBytes < 1_000_000, `${sizeBytes}`);
  writeFileSync(join(directory, "root/file"), "after");
  const copy = await disks.allocate(1, "s");
  const seen = await runProcess(["stat", "--format=%n %u %F %t", "file", "link", "removed"], {
    cwd: join(copy.directory, "root"),
  });
  assert.equal(
    seen,
    "file 1234 regular file 0\nlink 0 symbolic link 0\nremoved 0 character special file 0\n",
  );
  assert.equal(readFileSync(join(copy.directory, "root/file"), "utf8"), "before\n");
  await disks.release(handle);
  await disks.release(copy.handle);
  await snapshots.sweep(new Set());
  assert.deepEqual(readdirSync(join(dataDir, "snapshots")), []);
});

test("without root the marks are the user's, and are left out of what goes out", async () => {
  const { disks, snapshots } = open(true);
  const { handle, directory } = await disks.allocate(1);
  const marks = `import os
os.makedirs("root/opaque")
os.setxattr("root/opaque", "user.overlay.opaque", b"y")
open("root/opaque/file", "w").write("x")
os.setxattr("root/opaque/file", "user.mine", b"kept")`;
  await runProcess(["python3", "-c", marks], { cwd: directory });
  await snapshots.take("s", handle);
  const blocks: Buffer[] = [];
  for await (const block of await snapshots.export("s", new AbortController().signal))
    blocks.push(block as Buffer);
  const tar = Buffer.concat(blocks).toString("latin1");
  assert.match(tar, /opaque\/\.wh\.\.wh\.\.opq/);
  assert.match(tar, /SCHILY\.xattr\.user\.mine=kept/);
  assert.doesNotMatch(tar, /user\.overlay/);
  await disks.release(handle);
  await snapshots.remove("s");
});
