import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Stats } from "../../src/engine/core/sessions/stats.js";
import { refused } from "./refused.js";
import { minuteMs, Workbench } from "./workbench.js";

let bench: Workbench;
let stats: Stats;
beforeEach(() => {
  bench = new Workbench();
  const { store, sessions, parts, clock } = bench;
  stats = new Stats({ store, sessions, parts, clock });
});

describe("what sessions use", () => {
  it("is what the runtime and the disk tell, at the time of looking", async () => {
    const { id, diskSizeGb } = await bench.createRunning({ name: "busy" });
    bench.parts.runtime.usage.set(id, { cpuUsageUs: 5, memoryBytes: 7, processes: 2 });
    await bench.clock.advance(minuteMs);
    assert.deepEqual(await stats.get([]), [
      {
        sessionId: id,
        name: "busy",
        state: "RUNNING",
        sampledAt: bench.clock.now(),
        cpuUsageUs: 5,
        memoryBytes: 7,
        processes: 2,
        diskUsedBytes: 1,
        diskSizeBytes: diskSizeGb * 2 ** 30,
      },
    ]);
  });

  it("comes for all that are not over, the newest first, or for those that are named, in their order", async () => {
    const first = await bench.createRunning({ name: "first" });
    await bench.clock.advance(1);
    const over = await bench.createRunning({ name: "over" });
    await bench.sessions.terminate(over.id);
    await bench.clock.advance(1);
    const last = await bench.createRunning({ name: "last" });
    const names = async (...ids: string[]) => (await stats.get(ids)).map(({ name, state }) => [name, state]);
    assert.deepEqual(await names(), [
      ["last", "RUNNING"],
      ["first", "RUNNING"],
    ]);
    assert.deepEqual(await names(first.id, over.id, last.id), [
      ["first", "RUNNING"],
      ["over", "TERMINATED"],
      ["last", "RUNNING"],
    ]);
    assert.throws(() => stats.get(["nobody"]), refused("not_found", "session not found: nobody"));
  });

  it("has the state of what holds no sandbox, and its disk", async () => {
    const session = await bench.createRunning();
    bench.store.updateSession({ ...session, ...bench.store.getSession(session.id), state: "PAUSED" });
    bench.parts.runtime.die(session.id);
    const [paused] = await stats.get([]);
    assert.deepEqual([paused?.state, paused?.cpuUsageUs, paused?.diskUsedBytes], ["PAUSED", undefined, 1]);
  });

  it("is looked at without activity, and without asking the sandbox for anything", async () => {
    const { id, lastActivityAt } = await bench.createRunning();
    const before = bench.parts.steps.taken.length;
    await bench.clock.advance(minuteMs);
    await stats.get([id]);
    assert.deepEqual(bench.sessions.get(id).lastActivityAt, lastActivityAt);
    assert.deepEqual(bench.parts.steps.taken.slice(before), ["runtime.stats", "disks.usage"]);
  });
});
