import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { tryProcess } from "../../src/lib/process.js";
import { hostState, instanceIdOf } from "./support/host-state.js";
import { killInEach, killsOfEach } from "./support/kill-rounds.js";
import { type ShownSession, SnapshotBench } from "./support/snapshot-bench.js";

describe("an engine that is killed while it works on snapshots", () => {
  let bench: SnapshotBench;
  let stateBefore: string[];
  before(async () => {
    bench = await SnapshotBench.open();
    stateBefore = await hostState(bench.tenki.dataDir, instanceIdOf(bench.tenki.dataDir));
    await bench.session("original", "--memory-mb", "512");
    await bench.shell("original", "head -c 20000000 /dev/urandom > data; sha256sum data > sum");
    await bench.snapshot("create", "original", "--name", "base", "--wait-durable");
  });
  after(() => bench.tenki.close());

  const exported = () => join(bench.tenki.home, "base.tar");
  const operations = () => [
    { name: "create", words: ["sandbox", "snapshot", "create", "original", "--name", "made"] },
    {
      name: "restore",
      words: ["sandbox", "snapshot", "restore", "base", "--name", "restored", "--memory-mb", "256"],
    },
    {
      name: "delete",
      prepare: () => bench.snapshot("create", "original", "--name", "doomed"),
      words: ["sandbox", "snapshot", "delete", "doomed", "--yes"],
    },
    { name: "fork", words: ["sandbox", "fork", "original", "--name", "forked"] },
    {
      name: "export",
      prepare: () => rm(exported(), { force: true }),
      words: ["sandbox", "snapshot", "export", "base", "--out", exported()],
    },
    { name: "pause", prepare: () => resume(), words: ["sandbox", "pause", "original"] },
    {
      name: "resume",
      prepare: () => bench.tenki.ok(["sandbox", "pause", "original"]),
      words: ["sandbox", "resume", "original"],
    },
  ];

  /** Where it is paused. */
  async function resume(): Promise<void> {
    const { state } = await bench.tenki.json<ShownSession>(["sandbox", "get", "original"]);
    if (state === "PAUSED") await bench.tenki.ok(["sandbox", "resume", "original"]);
  }

  /** All of it, or nothing: no file that is half of it, and none beside it. */
  async function lookAtExport(when: string): Promise<void> {
    const beside = readdirSync(bench.tenki.home).filter((name) => name.startsWith("base.tar"));
    if (beside.length === 0) return;
    assert.deepEqual(beside, ["base.tar"], when);
    const { stdout } = await tryProcess(["tar", "-xOf", exported(), "home/tenki/sum"]);
    assert.match(stdout, /^[0-9a-f]{64} {2}data$/m, when);
  }

  async function look(when: string): Promise<void> {
    await lookAtExport(when);
    await resume();
    const snapshots = await bench.list();
    const wrong = snapshots.filter(({ state }) => state !== "READY");
    assert.deepEqual(wrong, [], when);
    assert.equal(bench.left("snapshots").length, snapshots.length, when);
    const sessions = await bench.tenki.json<ShownSession[]>(["sandbox", "list"]);
    for (const { id, state } of sessions) assert.equal(state, "RUNNING", `${id} ${when}`);
    assert.equal(await bench.shell("original", "sha256sum -c sum"), "data: OK\n", when);
    const others = sessions.filter(({ name }) => name !== "original").map(({ id }) => id);
    for (const id of others) assert.equal(await bench.shell(id, "sha256sum -c sum"), "data: OK\n", when);
    if (others.length > 0) await bench.end(...others);
    const made = snapshots.filter(({ name }) => name !== "base").map(({ id }) => id);
    if (made.length > 0) await bench.tenki.ok(["sandbox", "snapshot", "delete", ...made, "--yes"]);
  }

  it(`finds all again, and leaves nothing over, ${killsOfEach} times in each of what it does`, async () => {
    await killInEach(bench, operations(), look);
    const { id } = await bench.restore("base", "last");
    assert.equal(await bench.shell(id, "sha256sum -c sum"), "data: OK\n");
    await bench.tenki.ok(["sandbox", "snapshot", "delete", "base", "--yes"]);
    await bench.tenki.ok(["sandbox", "terminate", "--all", "--yes"]);
    assert.deepEqual([await bench.list(), bench.left("snapshots")], [[], []]);
    await bench.tenki.ok(["engine", "stop"]);
    const left = await hostState(bench.tenki.dataDir, instanceIdOf(bench.tenki.dataDir));
    assert.deepEqual(
      left.filter((line) => !stateBefore.includes(line)),
      [],
    );
  });
});
