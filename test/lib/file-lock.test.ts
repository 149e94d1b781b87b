import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { withFileLock } from "../../src/lib/file-lock.js";

describe("a file lock", () => {
  let directory: string;
  before(async () => void (directory = await mkdtemp(join(tmpdir(), "file-lock-"))));
  after(() => rm(directory, { recursive: true }));

  it("lets one in at a time, whatever happens inside, and leaves nothing behind", async () => {
    const path = join(directory, "one");
    let inside = 0;
    const turns = Array.from({ length: 10 }, (_, turn) =>
      withFileLock(path, async () => {
        inside += 1;
        assert.equal(inside, 1);
        await new Promise(setImmediate);
        inside -= 1;
        if (turn % 2 === 0) throw new Error("inside");
        return turn;
      }).catch((error: Error) => error.message),
    );
    const ended = await Promise.all(turns);
    assert.deepEqual(new Set(ended), new Set(["inside", 1, 3, 5, 7, 9]));
    assert.deepEqual(await readdir(directory), []);
  });

  it("does not wait for a process that has died with it", async () => {
    const path = join(directory, "two");
    await writeFile(`${path}.lock`, "");
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(`${path}.lock`, longAgo, longAgo);
    assert.equal(await withFileLock(path, () => Promise.resolve("in")), "in");
  });
});
