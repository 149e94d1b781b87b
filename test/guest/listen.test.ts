import assert from "node:assert/strict";
import { lstatSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { tryProcess } from "../../src/lib/process.js";
import { guestBinary } from "./support/guest-sandbox.js";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "tenki-listen-"));
});
after(() => rm(directory, { recursive: true }));

const listen = (path: string, argv: string[]) => tryProcess([guestBinary, "listen", path, "--", ...argv]);

test("the socket is there for its owner only, and the program has it at descriptor 3", async () => {
  const path = join(directory, "guest.sock");
  const ended = await listen(path, ["readlink", "/proc/self/fd/3"]);
  assert.match(ended.stdout, /^socket:/);
  const made = lstatSync(path);
  assert.deepEqual([made.isSocket(), made.mode & 0o777], [true, 0o600]);
});

test("what lies at the path is replaced, and the path may be longer than an address", async () => {
  const deep = join(directory, "d".repeat(120));
  await mkdir(deep);
  const path = join(deep, "guest.sock");
  writeFileSync(path, "left over");
  assert.match((await listen(path, ["readlink", "/proc/self/fd/3"])).stdout, /^socket:/);
  assert.ok(lstatSync(path).isSocket());
});

test("what goes wrong is said, with the exit code that shells use", async () => {
  const path = join(directory, "other.sock");
  const missing = await listen(path, ["no-such-program"]);
  assert.deepEqual([missing.exitCode, missing.stderr.includes("no-such-program")], [127, true]);
  const nowhere = await listen(join(directory, "no", "where"), ["true"]);
  assert.deepEqual([nowhere.exitCode, nowhere.stderr.includes("cannot listen at")], [1, true]);
  assert.equal((await tryProcess([guestBinary, "listen"])).exitCode, 2);
  assert.equal(
    (await tryProcess([guestBinary, "init"])).exitCode,
    1,
    "without a socket pid 1 does not start",
  );
});
