import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createDirectoryDisks } from "../../src/engine/disks/directory-disks.js";
import { runProcess } from "../../src/lib/process.js";

const dataDir = mkdtempSync(join(tmpdir(), "tenki-directories-"));
after(() => rmSync(dataDir, { recursive: true, force: true }));

test("a directory each, released whatever a guest has made of it", async () => {
  const disks = createDirectoryDisks({ dataDir });
  const [one, two] = [await disks.allocate(1), await disks.allocate(1)];
  assert.notEqual(one.directory, two.directory);
  assert.deepEqual(readdirSync(one.directory), []);
  const outside = join(dataDir, "outside");
  writeFileSync(outside, "kept");
  symlinkSync(outside, join(one.directory, "link"));
  // Deeper than any path can say.
  const nest = 'import os\nfor _ in range(600): os.mkdir("ddddddddd"); os.chdir("ddddddddd")';
  await runProcess(["python3", "-c", nest], { cwd: one.directory });
  await disks.release(one.handle);
  await disks.release(one.handle);
  assert.ok(!existsSync(one.directory));
  assert.ok(existsSync(outside));
  assert.ok(existsSync(two.directory));
});

test("sweep removes what is not kept", async () => {
  const disks = createDirectoryDisks({ dataDir });
  const kept = await disks.allocate(1);
  await disks.allocate(1);
  await disks.sweep(new Set([kept.handle]));
  assert.deepEqual(readdirSync(join(dataDir, "disks")), [kept.handle]);
});
