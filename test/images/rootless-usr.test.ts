import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { buildRootlessUsr } from "../../src/engine/images/rootless-usr.js";

test("directories, setuid programs and what sudo loads; nothing else", async () => {
  const [usr, target] = [0, 1].map(() => mkdtempSync(join(tmpdir(), "tenki-usr-"))) as [string, string];
  for (const path of ["bin", "share/doc/with blank", "libexec/sudo"])
    mkdirSync(join(usr, path), { recursive: true });
  const file = (path: string, mode: number) => {
    writeFileSync(join(usr, path), path);
    chmodSync(join(usr, path), mode);
  };
  file("bin/plain", 0o755);
  file("bin/sudo", 0o4755);
  file("bin/for-some", 0o4750);
  file("bin/group", 0o2755);
  file("libexec/sudo/sudoers.so", 0o644);
  symlinkSync("bin", join(usr, "sbin"));
  await buildRootlessUsr(usr, target);
  const made = readdirSync(target, { recursive: true, encoding: "utf8" }).sort();
  assert.deepEqual(made, [
    "bin",
    "bin/sudo",
    "libexec",
    "libexec/sudo",
    "libexec/sudo/sudoers.so",
    "share",
    "share/doc",
    "share/doc/with blank",
  ]);
  assert.equal(statSync(join(target, "bin/sudo")).mode & 0o7777, 0o4755);
  assert.equal(statSync(join(target, "bin")).mode & 0o7777, 0o755);
  for (const directory of [usr, target]) rmSync(directory, { recursive: true });
});
