import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { hostState, instanceIdOf } from "./support/host-state.js";
import { killEngine } from "./support/lose-machine.js";
import { type ShownSession, SnapshotBench } from "./support/snapshot-bench.js";

/** The engine is killed so many times, in the middle of one operation after another: `TENKI_KILLS=80` for 20 of each. */
const kills = Number(process.env["TENKI_KILLS"] ?? 8);
/** Longer than any of them takes by itself. */
const longestMs = 700;

const operations = ["create", "restore", "delete", "fork"] as const;

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

  const words = {
    create: ["sandbox", "snapshot", "create", "original", "--name", "made"],
    restore: ["sandbox", "snapshot", "restore", "base", "--name", "restored", "--memory-mb", "256"],
    delete: ["sandbox", "snapshot", "delete", "doomed", "--yes"],
    fork: ["sandbox", "fork", "original", "--name", "forked"],
  } as const;

  /** Begins one, and kills the engine at a moment of its own: spread over the whole of what it takes. */
  async function interrupt(operation: (typeof operations)[number], round: number): Promise<void> {
    if (operation === "delete") await bench.snapshot("create", "original", "--name", "doomed");
    const call = bench.tenki.call(words[operation], { timeoutMs: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 150 + (longestMs * round) / kills));
    await killEngine(bench.pid);
    await call;
    await bench.start();
  }

  it(`finds all again, and leaves nothing over, ${kills} times`, async () => {
    for (let round = 0; round < kills; round += 1) {
      const operation = operations[round % operations.length] ?? "create";
      await interrupt(operation, round);
      const snapshots = await bench.list();
      const wrong = snapshots.filter(({ state }) => state !== "READY");
      assert.deepEqual(wrong, [], `after ${operation}, round ${round}`);
      assert.equal(bench.left("snapshots").length, snapshots.length, `after ${operation}, round ${round}`);
      const sessions = await bench.tenki.json<ShownSession[]>(["sandbox", "list"]);
      for (const { id, state } of sessions) assert.equal(state, "RUNNING", `${id} after ${operation}`);
      assert.equal(await bench.shell("original", "sha256sum -c sum"), "data: OK\n");
      const others = sessions.filter(({ name }) => name !== "original").map(({ id }) => id);
      for (const id of others) assert.equal(await bench.shell(id, "sha256sum -c sum"), "data: OK\n");
      if (others.length > 0) await bench.end(...others);
      const made = snapshots.filter(({ name }) => name !== "base").map(({ id }) => id);
      if (made.length > 0) await bench.tenki.ok(["sandbox", "snapshot", "delete", ...made, "--yes"]);
    }
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
