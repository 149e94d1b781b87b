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

  describe("around a pause", () => {
    const lost = "its processes have ended";
    const createPaused = async () => bench.sessions.pause((await bench.createRunning()).id);
    const frozen = (id: string) => bench.parts.runtime.sandboxes.get(id)?.isPaused;

    it("keeps what is paused as it is, with its network and its disk", async () => {
      const paused = await createPaused();
      assert.deepEqual(await bench.lose().recover(), { running: 0, ended: 0 });
      assert.deepEqual(bench.sessions.get(paused.id), paused);
      assert.equal(frozen(paused.id), true);
      assert.deepEqual(bench.parts.count(), oneOfEach);
      assert.equal((await bench.sessions.resume(paused.id)).state, "RUNNING");
    });

    const pauseSteps = [
      ["runtime.pause", "before", "RUNNING"],
      ["runtime.pause", "after", "PAUSED"],
      ["disks.persist", "before", "PAUSED"],
      ["disks.persist", "after", "PAUSED"],
    ] as const;
    for (const [step, when, outcome] of pauseSteps) {
      it(`while it pauses, ${when} ${step}: it is ${outcome}`, async () => {
        const { id, diskHandle } = await bench.createRunning({ pauseRetentionMs: hourMs });
        const held = bench.parts.steps.hold(step, when);
        void bench.sessions.pause(id);
        await held.reached;
        await bench.lose().recover();
        const record = bench.sessions.get(id);
        assert.equal(record.state, outcome);
        assert.equal(frozen(id), outcome === "PAUSED");
        assert.equal(record.pauseExpiresAt !== undefined, outcome === "PAUSED");
        assert.equal(bench.parts.disks.persisted.has(diskHandle ?? ""), outcome === "PAUSED");
        assert.deepEqual(bench.parts.count(), oneOfEach);
      });
    }

    it("while it pauses, and its sandbox is gone: it ends", async () => {
      const { id } = await bench.createRunning();
      const held = bench.parts.steps.hold("runtime.pause");
      void bench.sessions.pause(id);
      await held.reached;
      bench.parts.runtime.die(id);
      assert.deepEqual(await bench.lose().recover(), { running: 0, ended: 1 });
      assert.deepEqual(bench.parts.count(), nothing);
    });

    for (const [when, outcome] of [
      ["before", "PAUSED"],
      ["after", "RUNNING"],
    ] as const) {
      it(`while it resumes, ${when} its processes go on: it is ${outcome}`, async () => {
        const { id } = await createPaused();
        const held = bench.parts.steps.hold("runtime.resume", when);
        void bench.sessions.resume(id);
        await held.reached;
        await bench.lose().recover();
        const { state, lastResumeError } = bench.sessions.get(id);
        assert.equal(state, outcome);
        assert.equal(frozen(id), outcome === "PAUSED");
        assert.equal(lastResumeError !== undefined, outcome === "PAUSED");
      });
    }

    it("stops again what somebody else let go on", async () => {
      const { id } = await createPaused();
      await bench.parts.runtime.resume(id);
      await bench.lose().recover();
      assert.equal(bench.sessions.get(id).state, "PAUSED");
      assert.equal(frozen(id), true);
    });

    it("keeps the disk of a paused session whose processes are gone, and says so", async () => {
      const { id, diskHandle } = await createPaused();
      bench.parts.runtime.die(id);
      assert.deepEqual(await bench.lose().recover(), { running: 0, ended: 0 });
      const record = bench.sessions.get(id);
      assert.equal(record.state, "PAUSED");
      assert.match(record.lastResumeError ?? "", new RegExp(lost));
      assert.deepEqual([...bench.parts.disks.allocated.keys()], [diskHandle]);
      assert.deepEqual(bench.parts.count(), { sandboxes: 0, networks: 0, disks: 1 });
    });

    it("does not take a network from whoever got it since", async () => {
      const { id } = await createPaused();
      bench.parts.runtime.die(id);
      await bench.lose().recover();
      const other = await bench.createRunning();
      const resumed = await bench.sessions.resume(id);
      assert.equal(resumed.state, "RUNNING");
      assert.equal(resumed.lastResumeError, undefined);
      assert.notEqual(resumed.networkHandle, other.networkHandle);
      assert.deepEqual(bench.parts.count(), { sandboxes: 2, networks: 2, disks: 2 });
    });

    for (const step of ["disks.reopen", "network.attach", "runtime.start"]) {
      for (const when of whens) {
        it(`while it boots afresh, ${when} ${step}: it is paused, and can be resumed`, async () => {
          const { id, diskHandle } = await createPaused();
          bench.parts.runtime.die(id);
          await bench.lose().recover();
          const held = bench.parts.steps.hold(step, when);
          void bench.sessions.resume(id);
          await held.reached;
          await settle();
          await bench.lose().recover();
          assert.equal(bench.sessions.get(id).state, "PAUSED");
          assert.deepEqual(bench.parts.count(), { sandboxes: 0, networks: 0, disks: 1 });
          const resumed = await bench.sessions.resume(id);
          assert.equal(resumed.state, "RUNNING");
          assert.equal(resumed.diskHandle, diskHandle);
        });
      }
    }

    it("ends a paused session whose retention ran out meanwhile", async () => {
      const { id } = await bench.createRunning({ pauseRetentionMs: minuteMs });
      await bench.sessions.pause(id);
      bench.clock.set(new Date(bench.clock.now().getTime() + hourMs));
      await bench.lose().recover();
      const reaper = bench.reaper();
      await reaper.tick();
      assert.equal((await bench.until(id, "TERMINATED")).terminalError, "its pause_retention is over");
      reaper.stop();
    });

    it("takes up a pause whose end could not be recorded", async () => {
      const { id } = await bench.createRunning();
      const held = bench.parts.steps.hold("disks.persist");
      const pausing = bench.sessions.pause(id);
      await held.reached;
      const update = bench.store.updateSession.bind(bench.store);
      bench.store.updateSession = () => {
        throw new Error("no space left");
      };
      held.release();
      await assert.rejects(pausing, /no space left/);
      assert.equal(bench.sessions.get(id).state, "PAUSING");
      bench.store.updateSession = update;
      await bench.sessions.attendDue();
      await bench.until(id, "RUNNING");
      assert.equal(frozen(id), false);
    });
  });
});
