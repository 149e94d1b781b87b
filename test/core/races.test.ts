import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Commands } from "../../src/engine/core/commands/commands.js";
import { settle } from "./fake-clock.js";
import { refused } from "./refused.js";
import { hourMs, minuteMs, nothing, oneOfEach, Workbench } from "./workbench.js";

describe("two at once", () => {
  let bench: Workbench;
  beforeEach(() => void (bench = new Workbench()));

  for (const step of ["images.resolve", "disks.allocate", "network.attach", "runtime.start"]) {
    for (const when of ["before", "after"] as const) {
      it(`terminate while a boot is held up ${when} ${step}`, async () => {
        const held = bench.parts.steps.hold(step, when);
        const { id } = bench.create();
        await held.reached;
        const ending = bench.sessions.terminate(id);
        if (step !== "runtime.start") held.release();
        const ended = await ending;
        assert.equal(ended.state, "TERMINATED");
        assert.equal(ended.terminalError, undefined, "it ended by request");
        assert.equal(ended.readyAt, undefined);
        assert.deepEqual(bench.parts.count(), nothing);
        assert.deepEqual(
          bench.logged.filter(({ level }) => level === "error"),
          [],
        );
      });
    }
  }

  it("create and terminate in one breath", async () => {
    const { id } = bench.create();
    const ended = await bench.sessions.terminate(id);
    assert.equal(ended.state, "TERMINATED");
    assert.deepEqual(bench.parts.steps.taken, ["runtime.stop"], "nothing was begun for it");
  });

  it("terminate when the boot is just done", async () => {
    const held = bench.parts.steps.hold("runtime.start", "after");
    const { id } = bench.create();
    await held.reached;
    held.release();
    assert.equal((await bench.sessions.terminate(id)).state, "TERMINATED");
    assert.deepEqual(bench.parts.count(), nothing);
  });

  it("two terminates: both succeed, and it is taken apart once", async () => {
    const { id } = await bench.createRunning();
    const [one, two] = await Promise.all([bench.sessions.terminate(id), bench.sessions.terminate(id)]);
    assert.equal(one.state, "TERMINATED");
    assert.deepEqual(two, one);
    assert.equal(bench.parts.steps.taken.filter((step) => step === "runtime.stop").length, 1);
  });

  it("two terminates, the first of which fails: the second ends it", async () => {
    bench.parts.steps.fail("disks.release");
    const { id } = await bench.createRunning();
    const [one, two] = await Promise.allSettled([bench.sessions.terminate(id), bench.sessions.terminate(id)]);
    assert.equal(one.status, "rejected");
    assert.equal(two.status, "fulfilled");
    assert.deepEqual(bench.parts.count(), nothing);
  });

  it("expiry and terminate: it ended by request", async () => {
    const { id } = await bench.createRunning({ maxDurationMs: minuteMs });
    const stop = bench.parts.steps.hold("runtime.stop");
    const ending = bench.sessions.terminate(id);
    await stop.reached;
    await bench.clock.advance(2 * minuteMs);
    await bench.sessions.attendDue();
    stop.release();
    assert.equal((await ending).terminalError, undefined);
    await settle();
    assert.equal(bench.sessions.get(id).terminalError, undefined);
  });

  it("terminate right after expiry: the reason stays", async () => {
    const { id } = await bench.createRunning({ maxDurationMs: minuteMs });
    await bench.clock.advance(2 * minuteMs);
    await bench.sessions.attendDue();
    const ended = await bench.sessions.terminate(id);
    assert.equal(ended.terminalError, "it reached its max_duration");
  });

  it("extend before expiry has its turn: it lives on", async () => {
    const { id } = await bench.createRunning({ maxDurationMs: minuteMs });
    await bench.clock.advance(minuteMs);
    const extending = bench.sessions.extend(id, hourMs);
    await bench.sessions.attendDue();
    await extending;
    await settle();
    assert.equal(bench.sessions.get(id).state, "RUNNING");
    assert.deepEqual(bench.parts.count(), oneOfEach);
  });

  it("update and terminate, in either order", async () => {
    const one = await bench.createRunning({ name: "one" });
    const [updated] = await Promise.all([
      bench.update(one.id, { name: "new" }),
      bench.sessions.terminate(one.id),
    ]);
    assert.equal(updated.name, "new");
    assert.equal(bench.sessions.get(one.id).name, "new");
    assert.equal(bench.sessions.get(one.id).state, "TERMINATED");

    const two = await bench.createRunning({ name: "two" });
    const [, update] = await Promise.allSettled([
      bench.sessions.terminate(two.id),
      bench.update(two.id, { name: "new" }),
    ]);
    assert.ok(update.status === "rejected");
    assert.ok(refused("failed_precondition", "session is terminated")(update.reason));
    assert.equal(bench.sessions.get(two.id).name, "two");
  });

  it("update while a boot is under way: both are kept", async () => {
    const held = bench.parts.steps.hold("runtime.start");
    const { id } = bench.create({ name: "one" });
    await held.reached;
    const updating = bench.update(id, { name: "two", tags: ["x"] });
    held.release();
    await updating;
    const record = bench.sessions.get(id);
    assert.equal(record.state, "RUNNING");
    assert.equal(record.name, "two");
    assert.ok(record.networkHandle !== undefined && record.diskHandle !== undefined && record.readyAt);
  });

  it("a slow end of one session holds up no other", async () => {
    const slow = await bench.createRunning({ maxDurationMs: minuteMs });
    const quick = await bench.createRunning({ maxDurationMs: 2 * minuteMs });
    const stop = bench.parts.steps.hold("runtime.stop");
    const reaper = bench.reaper();
    await reaper.tick();
    await bench.clock.advance(minuteMs);
    await stop.reached;
    await bench.clock.advance(minuteMs);
    await bench.until(quick.id, "TERMINATED");
    assert.equal(bench.sessions.get(slow.id).state, "TERMINATING");
    stop.release();
    await bench.until(slow.id, "TERMINATED");
    reaper.stop();
  });

  it("fifty sessions created and ended together leave nothing", async () => {
    const ids = Array.from({ length: 50 }, () => bench.create().id);
    await Promise.all(ids.map((id) => bench.until(id, "RUNNING")));
    assert.deepEqual(bench.parts.count(), { sandboxes: 50, networks: 50, disks: 50 });
    await Promise.all(ids.map((id) => bench.sessions.terminate(id)));
    assert.deepEqual(bench.parts.count(), nothing);
  });

  describe("around a pause", () => {
    const signal = new AbortController().signal;
    const request = { argv: ["wait"], cwd: "", env: {}, terminal: false, privileged: false, timeoutMs: 0 };
    const start = (id: string) => new Commands(bench.sessions, bench.parts.runtime).run(id, request, signal);
    const frozen = (id: string) => bench.parts.runtime.sandboxes.get(id)?.isPaused;

    it("a command that has begun to start is waited for, and the next one is refused", async () => {
      const { id } = await bench.createRunning();
      const spawn = bench.parts.steps.hold("runtime.spawn");
      const starting = start(id);
      await spawn.reached;
      const pausing = bench.sessions.pause(id);
      await settle();
      assert.equal(bench.sessions.get(id).state, "PAUSING");
      assert.equal(frozen(id), false);
      await assert.rejects(start(id), refused("failed_precondition", "state=PAUSING"));
      spawn.release();
      assert.ok((await starting).started);
      assert.equal((await pausing).state, "PAUSED");
      assert.equal(bench.clock.alarms, 1, "no alarm is left but the activity's");
    });

    it("a start that takes for ever holds a pause up for two seconds", async () => {
      const { id } = await bench.createRunning();
      const spawn = bench.parts.steps.hold("runtime.spawn");
      const starting = start(id);
      await spawn.reached;
      const pausing = bench.sessions.pause(id);
      await settle();
      await bench.clock.advance(1_999);
      assert.equal(frozen(id), false);
      await bench.clock.advance(1);
      assert.equal((await pausing).state, "PAUSED");
      spawn.release();
      assert.ok((await starting).started, "it has started, and stands still");
    });

    it("two pauses: one of them does it, the other is told that it is paused", async () => {
      const { id } = await bench.createRunning();
      const [one, two] = await Promise.allSettled([bench.sessions.pause(id), bench.sessions.pause(id)]);
      assert.equal(one.status, "fulfilled");
      assert.ok(two.status === "rejected" && refused("failed_precondition", "state=PAUSED")(two.reason));
    });

    it("two resumes: one of them does it, the other is told that it runs", async () => {
      const { id } = await bench.createRunning();
      await bench.sessions.pause(id);
      const [one, two] = await Promise.allSettled([bench.sessions.resume(id), bench.sessions.resume(id)]);
      assert.equal(one.status, "fulfilled");
      assert.ok(two.status === "rejected" && refused("failed_precondition", "state=RUNNING")(two.reason));
      assert.equal(frozen(id), false);
    });

    it("pause and resume in one breath: in their order", async () => {
      const { id } = await bench.createRunning();
      const [paused, resumed] = await Promise.all([bench.sessions.pause(id), bench.sessions.resume(id)]);
      assert.deepEqual([paused.state, resumed.state], ["PAUSED", "RUNNING"]);
    });

    for (const step of ["runtime.pause", "disks.persist"] as const) {
      it(`terminate while a pause is held up by ${step}`, async () => {
        const { id } = await bench.createRunning();
        const held = bench.parts.steps.hold(step);
        const pausing = bench.sessions.pause(id);
        await held.reached;
        const ending = bench.sessions.terminate(id);
        held.release();
        assert.equal((await pausing).state, "PAUSED");
        assert.equal((await ending).state, "TERMINATED");
        assert.deepEqual(bench.parts.count(), nothing);
      });
    }

    for (const step of ["disks.reopen", "network.attach", "runtime.start"]) {
      it(`terminate while it is booted afresh, held up by ${step}`, async () => {
        const { id } = await bench.createRunning();
        await bench.sessions.pause(id);
        bench.parts.runtime.die(id);
        const held = bench.parts.steps.hold(step);
        const resuming = bench.sessions.resume(id);
        await held.reached;
        const ending = bench.sessions.terminate(id);
        if (step !== "runtime.start") held.release();
        assert.equal((await resuming).lastResumeError, "it was called off");
        const ended = await ending;
        assert.equal(ended.state, "TERMINATED");
        assert.equal(ended.terminalError, undefined, "it ended by request");
        assert.deepEqual(bench.parts.count(), nothing);
      });
    }

    it("a session that is used again at the moment it is idle is paused, or used, never both", async () => {
      const { id } = await bench.createRunning({ idleTimeoutMinutes: 1 });
      await bench.clock.advance(minuteMs);
      const ticking = bench.sessions.attendDue();
      const spawned = await start(id);
      await ticking;
      assert.ok(spawned.started);
      await settle();
      assert.equal(bench.sessions.get(id).state, "RUNNING");
      assert.equal(frozen(id), false);
    });

    it("an engine that stops while a session is booted afresh leaves it paused", async () => {
      const { id } = await bench.createRunning();
      await bench.sessions.pause(id);
      bench.parts.runtime.die(id);
      const held = bench.parts.steps.hold("runtime.start");
      const resuming = bench.sessions.resume(id);
      await held.reached;
      await bench.sessions.close();
      assert.equal((await resuming).state, "PAUSED");
      await assert.rejects(bench.sessions.resume(id), refused("unavailable", "stopping"));
    });
  });
});
