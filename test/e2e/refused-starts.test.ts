import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { runProcess } from "../../src/lib/process.js";
import { assertGolden } from "./support/golden.js";
import { runWithoutNamespaces } from "./support/limited-namespaces.js";
import { type Outcome, Workbench } from "./support/tenki.js";

/** Everything that an engine refuses to start for says so in one line, and leaves nothing half made. */
describe("an engine that cannot start", () => {
  let bench: Workbench;
  before(async () => {
    bench = await Workbench.open();
  });
  after(() => bench.close());

  const flags = ["engine", "start", "--no-context", "--listen", "127.0.0.1:0", "--data-dir"];
  const start = (dataDir: string, ...more: string[]) => bench.call([...flags, dataDir, ...more]);
  const golden = (name: string, { code, stderr }: Outcome) =>
    assertGolden(`${name}.txt`, `exit code ${code}\n${stderr.replaceAll(bench.home, "HOME")}`);

  it("says that there is no token file, and leaves nothing", async () => {
    golden("no-token-file", await start(join(bench.home, "a/b"), "--token-file", join(bench.home, "none")));
    assert.equal(existsSync(join(bench.home, "a")), false);
  });

  it("says that a token can be guessed, and leaves nothing", async () => {
    const file = join(bench.home, "short");
    await writeFile(file, "1234\n");
    golden("short-token", await start(join(bench.home, "b"), "--token-file", file));
    assert.equal(existsSync(join(bench.home, "b")), false);
  });

  it("leaves nothing where the runtime is unknown, in the foreground neither", async () => {
    for (const where of [[], ["--foreground"]]) {
      const { code, stderr } = await start(join(bench.home, "c"), "--oci-runtime", "no-such", ...where);
      assert.equal(code, 1);
      assert.match(stderr, /no-such/);
      assert.equal(existsSync(join(bench.home, "c")), false);
    }
  });

  it("leaves a directory that was there, and what another has put into it", async () => {
    const mine = await bench.directory("mine");
    await runProcess(["chmod", "700", mine]);
    await start(mine, "--oci-runtime", "no-such");
    assert.deepEqual(await readdir(mine), []);
    await writeFile(join(mine, "notes.txt"), "kept");
    await start(mine, "--oci-runtime", "no-such");
    assert.ok((await readdir(mine)).includes("notes.txt"));
  });

  it("keeps what an engine before it has kept", async () => {
    const dataDir = join(bench.home, "used");
    await bench.ok([...flags, dataDir]);
    await bench.ok(["engine", "stop", "--data-dir", dataDir]);
    const kept = await readdir(dataDir);
    await start(dataDir, "--oci-runtime", "no-such");
    assert.deepEqual(await readdir(dataDir), kept);
    await bench.ok([...flags, dataDir]);
    const stop = await bench.call(["engine", "stop", "--terminate-sessions", "--data-dir", dataDir]);
    assert.equal(stop.stderr, "the engine stopped; it had no sessions\n");
  });

  it("says that namespaces cannot be made", async () => {
    const dataDir = join(bench.home, "d");
    const argv = [process.execPath, resolve("bin/tenki"), ...flags, dataDir];
    golden("no-namespaces", await runWithoutNamespaces(["net"], argv, bench.env));
    assert.equal(existsSync(dataDir), false);
  });

  // Too few bytes are seen before anything is made; too few files show when there is no room for the next one.
  for (const lack of ["size=1m", "nr_inodes=40"]) {
    it(`says that the disk is full: ${lack}`, async () => {
      const small = join(bench.home, lack);
      await mkdir(small);
      await runProcess(["mount", "-t", "tmpfs", "-o", `${lack},mode=700`, "tmpfs", small]);
      try {
        golden("disk-full", await start(small).then((outcome) => withoutWord(outcome, lack)));
        assert.deepEqual(await readdir(small), []);
      } finally {
        await runProcess(["umount", small]);
      }
    });
  }
});

const withoutWord = (outcome: Outcome, word: string): Outcome => ({
  ...outcome,
  stderr: outcome.stderr.replaceAll(word, "small"),
});
