import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { settle } from "./fake-clock.js";
import { hourMs, minuteMs, nothing, oneOfEach, Workbench } from "./workbench.js";

const bootSteps = ["images.resolve", "disks.allocate", "network.attach", "runtime.start"];
const endSteps = ["runtime.stop", "disks.release", "network.detach"];
const whens = ["before", "after"] as const;

describe("the engine is lost and comes back", () => {
  let bench: Workbench;
  beforeEach(() => void (bench = new Workbench()));

  for (const step of bootSteps) {
    for (const when of whens) {
      it(`while it boots, ${when} ${step}: the session ends, nothing is left, others run on`, async () => {
        const other = await bench.createRunning();
        const held = bench.parts.steps.hold(step, when);
        const { id } = bench.create();
        await held.reached;
        await settle();
        const outcome = await bench.lose().recover();
        assert.deepEqual(outcome, { running: 1, ended: 1 });
        const ended = bench.sessions.get(id);
        assert.equal(ended.state, "TERMINATED");
        assert.equal(ended.terminalError, "the engine stopped while it was created");
        assert.equal(bench.sessions.requireRunning(other.id).id, other.id);
        assert.deepEqual(bench.parts.count(), oneOfEach);
        assert.deepEqual([...bench.parts.runtime.sandboxes.keys()], [other.id]);
      });
    }
  }

  for (const step of endSteps) {
    for (const when of whens) {
      it(`while it ends, ${when} ${step}: the end is finished, others run on`, async () => {
        const other = await bench.createRunning();
        const { id } = await bench.createRunning();
        const held = bench.parts.steps.hold(step, when);
        void bench.sessions.terminate(id);
        await held.reached;
        await bench.lose().recover();
        const ended = bench.sessions.get(id);
        assert.equal(ended.state, "TERMINATED");
        assert.equal(ended.terminalError, undefined, "it ended by request, before and after");
        assert.equal(ended.diskHandle ?? ended.networkHandle, undefined);
        assert.equal(bench.sessions.requireRunning(other.id).id, other.id);
        assert.deepEqual(bench.parts.count(), oneOfEach);
      });
    }
  }

  for (const step of ["runtime.sweep", "network.sweep", "disks.sweep", "runtime.isRunning"]) {
    it(`while it recovers, before ${step}: the next start does the rest`, async () => {
      const other = await bench.createRunning();
      const boot = bench.parts.steps.hold("runtime.start", "after");
      bench.create();
      await boot.reached;
      const held = bench.parts.steps.hold(step);
      void bench.lose().recover();
      await held.reached;
      await bench.lose().recover();
      assert.equal(bench.sessions.requireRunning(other.id).id, other.id);
      assert.deepEqual(bench.parts.count(), oneOfEach);
    });
  }

  it("keeps the reason that a session was ending for", async () => {
    const { id } = await bench.createRunning();
    const held = bench.parts.steps.hold("runtime.stop");
    void bench.sessions.terminate(id, "it reached its max_duration");
    await held.reached;
    await bench.lose().recover();
    assert.equal(bench.sessions.get(id).terminalError, "it reached its max_duration");
  });

  it("finds running sessions as they were, and can end them", async () => {
    const before = await bench.createRunning({ name: "kept", tags: ["x"], maxDurationMs: hourMs });
    assert.deepEqual(await bench.lose().recover(), { running: 1, ended: 0 });
    assert.deepEqual(bench.sessions.get(before.id), before);
    await bench.sessions.terminate(before.id);
    assert.deepEqual(bench.parts.count(), nothing);
  });

  it("ends a session whose sandbox is gone, and says so", async () => {
    const { id } = await bench.createRunning();
    bench.parts.runtime.die(id);
    assert.deepEqual(await bench.lose().recover(), { running: 0, ended: 1 });
    const ended = bench.sessions.get(id);
    assert.equal(ended.state, "TERMINATED");
    assert.equal(ended.terminalError, "its sandbox was gone when the engine started");
    assert.deepEqual(bench.parts.count(), nothing);
  });

  it("sweeps away what belongs to nobody, and keeps what belongs to somebody", async () => {
    const mine = await bench.createRunning();
    await bench.parts.disks.allocate(1);
    await bench.parts.network.attach({ outbound: true });
    const { spec } = bench.parts.runtime.sandboxes.get(mine.id) ?? {};
    assert.ok(spec);
    await bench.parts.runtime.start({ ...spec, sessionId: "stray" }, new AbortController().signal);
    assert.deepEqual(bench.parts.count(), { sandboxes: 2, networks: 2, disks: 2 });
    await bench.lose().recover();
    assert.deepEqual([...bench.parts.runtime.sandboxes.keys()], [mine.id]);
    assert.deepEqual([...bench.parts.network.attached.keys()], [mine.networkHandle]);
    assert.deepEqual([...bench.parts.disks.allocated.keys()], [mine.diskHandle]);
  });

  it("keeps the parts of what could not be ended, and ends it later", async () => {
    const { id } = await bench.createRunning();
    bench.parts.runtime.die(id);
    bench.parts.steps.fail("disks.release");
    assert.deepEqual(await bench.lose().recover(), { running: 0, ended: 0 });
    assert.equal(bench.sessions.get(id).state, "TERMINATING");
    assert.deepEqual(bench.parts.count(), { sandboxes: 0, networks: 1, disks: 1 });
    await bench.sessions.attendDue();
    await bench.until(id, "TERMINATED");
    assert.deepEqual(bench.parts.count(), nothing);
  });

  it("takes nothing away from a session that cannot be looked at", async () => {
    const { id } = await bench.createRunning();
    bench.parts.steps.fail("runtime.isRunning");
    assert.deepEqual(await bench.lose().recover(), { running: 1, ended: 0 });
    assert.equal(bench.sessions.get(id).state, "RUNNING");
    assert.deepEqual(bench.parts.count(), oneOfEach);
  });

  it("does not serve without what a sweep sets up", async () => {
    bench.parts.steps.fail("network.sweep", { error: new Error("no rules") });
    await assert.rejects(bench.lose().recover(), /no rules/);
  });

  it("ends what ran out meanwhile, at once", async () => {
    const due = await bench.createRunning({ maxDurationMs: minuteMs });
    const notDue = await bench.createRunning({ maxDurationMs: hourMs });
    bench.clock.set(new Date(bench.clock.now().getTime() + 10 * minuteMs));
    await bench.lose().recover();
    const reaper = bench.reaper();
    await reaper.tick();
    const ended = await bench.until(due.id, "TERMINATED");
    assert.equal(ended.terminalError, "it reached its max_duration");
    assert.equal(bench.sessions.get(notDue.id).state, "RUNNING");
    reaper.stop();
  });

  it("begins with nothing", async () => {
    assert.deepEqual(await bench.sessions.recover(), { running: 0, ended: 0 });
    assert.equal(bench.sessions.countLive(), 0);
  });
});
