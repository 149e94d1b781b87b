import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { settle } from "./fake-clock.js";
import { refused } from "./refused.js";
import { dayMs, hourMs, minuteMs, nothing, Workbench } from "./workbench.js";

const absurd = [0, -1, -1e15, Number.NaN];
const tooLong = [30 * dayMs + 1, 1e15, 1e18, Number.POSITIVE_INFINITY];

describe("how long a session may live", () => {
  let bench: Workbench;
  beforeEach(() => void (bench = new Workbench()));
  const inMs = (ms: number) => new Date(bench.clock.now().getTime() + ms);

  it("counts max_duration from its creation", () => {
    assert.deepEqual(bench.create({ maxDurationMs: hourMs }).timeoutAt, inMs(hourMs));
    assert.deepEqual(bench.create({ maxDurationMs: 30 * dayMs }).timeoutAt, inMs(30 * dayMs));
    assert.equal(bench.create().timeoutAt, undefined);
  });

  it("counts an update's max_duration from when it began to run", async () => {
    const held = bench.parts.steps.hold("runtime.start");
    const { id } = bench.create({ maxDurationMs: hourMs });
    await held.reached;
    await bench.clock.advance(minuteMs);
    held.release();
    const { readyAt } = await bench.until(id, "RUNNING");
    await bench.clock.advance(minuteMs);
    const { timeoutAt } = await bench.update(id, { maxDurationMs: 2 * hourMs });
    assert.equal((timeoutAt?.getTime() ?? 0) - (readyAt?.getTime() ?? 0), 2 * hourMs);
  });

  it("extends the end that there is, or gives one from now", async () => {
    const limited = await bench.createRunning({ maxDurationMs: hourMs });
    const unlimited = await bench.createRunning();
    await bench.clock.advance(minuteMs);
    assert.deepEqual(
      (await bench.sessions.extend(limited.id, hourMs)).timeoutAt,
      inMs(2 * hourMs - minuteMs),
    );
    assert.deepEqual(
      (await bench.sessions.extend(limited.id, hourMs)).timeoutAt,
      inMs(3 * hourMs - minuteMs),
    );
    assert.deepEqual((await bench.sessions.extend(unlimited.id, hourMs)).timeoutAt, inMs(hourMs));
  });

  it("refuses a duration that is none, and changes nothing", async () => {
    const before = await bench.createRunning({ maxDurationMs: hourMs });
    for (const ms of absurd) {
      assert.throws(() => bench.create({ maxDurationMs: ms }), refused("invalid_argument", "more than 0"));
      const extending = bench.sessions.extend(before.id, ms);
      await assert.rejects(extending, refused("invalid_argument", "more than 0"));
      const updating = bench.update(before.id, { maxDurationMs: ms, name: "new" });
      await assert.rejects(updating, refused("invalid_argument", "more than 0"));
    }
    assert.deepEqual(bench.sessions.get(before.id), before);
    assert.equal(bench.sessions.countLive(), 1);
  });

  it("refuses an end more than 30 days away, by whichever way", async () => {
    const before = await bench.createRunning({ maxDurationMs: 20 * dayMs });
    for (const ms of tooLong) {
      assert.throws(() => bench.create({ maxDurationMs: ms }), refused("invalid_argument", "30 days"));
      await assert.rejects(bench.sessions.extend(before.id, ms), refused("invalid_argument", "30 days"));
      await assert.rejects(
        bench.update(before.id, { maxDurationMs: ms }),
        refused("invalid_argument", "30 days"),
      );
    }
    await assert.rejects(
      bench.sessions.extend(before.id, 11 * dayMs),
      refused("invalid_argument", "30 days"),
    );
    assert.deepEqual(bench.sessions.get(before.id), before);
    await bench.clock.advance(dayMs);
    assert.deepEqual((await bench.sessions.extend(before.id, 11 * dayMs)).timeoutAt, inMs(30 * dayMs));
  });

  it("refuses more time to one that has ended", async () => {
    const { id } = await bench.createRunning();
    await bench.sessions.terminate(id);
    const ended = refused("failed_precondition", "session is terminated (state=TERMINATED)");
    await assert.rejects(bench.sessions.extend(id, hourMs), ended);
    await assert.rejects(bench.update(id, { name: "new" }), ended);
    await assert.rejects(bench.sessions.extend("nope", hourMs), refused("not_found", "session not found"));
  });

  describe("with the reaper", () => {
    it("ends it at its time, not before, and says why", async () => {
      const { id } = await bench.createRunning({ maxDurationMs: hourMs });
      const reaper = bench.reaper();
      await reaper.tick();
      await bench.clock.advance(hourMs - 1);
      assert.equal(bench.sessions.get(id).state, "RUNNING");
      await bench.clock.advance(1);
      const ended = await bench.until(id, "TERMINATED");
      assert.equal(ended.terminalError, "it reached its max_duration");
      assert.deepEqual(bench.parts.count(), nothing);
      reaper.stop();
      assert.equal(bench.clock.alarms, 0);
    });

    const nearer = {
      create: async () => bench.createRunning({ maxDurationMs: 2_000 }),
      update: async () => bench.update((await bench.createRunning()).id, { maxDurationMs: 2_000 }),
      extend: async () => bench.sessions.extend((await bench.createRunning()).id, 2_000),
    };
    for (const [way, give] of Object.entries(nearer)) {
      it(`hears of an end that is nearer than the one it waits for: ${way}`, async () => {
        const reaper = bench.reaper();
        await reaper.tick();
        const { id } = await give();
        assert.equal(bench.clock.alarms, 1);
        await bench.clock.advance(1_999);
        assert.equal(bench.sessions.get(id).state, "RUNNING");
        await bench.clock.advance(1);
        await bench.until(id, "TERMINATED");
        reaper.stop();
      });
    }

    it("looks as often as ever after the wall clock was set back", async () => {
      const reaper = bench.reaper();
      await reaper.tick();
      bench.clock.set(inMs(-hourMs));
      bench.create({ maxDurationMs: minuteMs });
      assert.equal(bench.clock.nextAlarmMs, 15_000);
      reaper.stop();
    });

    it("does not queue up behind an end that takes long", async () => {
      const { id } = await bench.createRunning({ maxDurationMs: 1_000 });
      const stop = bench.parts.steps.hold("runtime.stop");
      bench.parts.steps.fail("disks.release");
      const reaper = bench.reaper();
      await reaper.tick();
      await bench.clock.advance(minuteMs);
      reaper.stop();
      stop.release();
      await settle();
      await settle();
      assert.equal(bench.sessions.get(id).state, "TERMINATING");
      assert.equal(bench.parts.steps.taken.filter((step) => step === "runtime.stop").length, 1);
    });

    it("lives on where it was given more time", async () => {
      const { id } = await bench.createRunning({ maxDurationMs: minuteMs });
      const reaper = bench.reaper();
      await reaper.tick();
      await bench.clock.advance(minuteMs / 2);
      await bench.sessions.extend(id, hourMs);
      await bench.clock.advance(hourMs);
      assert.equal(bench.sessions.get(id).state, "RUNNING");
      await bench.clock.advance(minuteMs);
      await bench.until(id, "TERMINATED");
      reaper.stop();
    });

    it("ends what is still being booted, and says why", async () => {
      const held = bench.parts.steps.hold("runtime.start");
      const { id } = bench.create({ maxDurationMs: minuteMs });
      await held.reached;
      const reaper = bench.reaper();
      await reaper.tick();
      await bench.clock.advance(minuteMs);
      assert.equal((await bench.until(id, "TERMINATED")).terminalError, "it reached its max_duration");
      assert.deepEqual(bench.parts.count(), nothing);
      reaper.stop();
    });

    it("notices soon that the wall clock was set forward", async () => {
      const { id } = await bench.createRunning({ maxDurationMs: hourMs });
      const reaper = bench.reaper();
      await reaper.tick();
      bench.clock.set(inMs(2 * hourMs));
      await bench.clock.advance(15_000);
      await bench.until(id, "TERMINATED");
      reaper.stop();
    });

    it("keeps to the wall clock when that was set back", async () => {
      const { id } = await bench.createRunning({ maxDurationMs: hourMs });
      const reaper = bench.reaper();
      await reaper.tick();
      bench.clock.set(inMs(-hourMs));
      await bench.clock.advance(hourMs);
      assert.equal(bench.sessions.get(id).state, "RUNNING");
      await bench.clock.advance(hourMs);
      await bench.until(id, "TERMINATED");
      reaper.stop();
    });

    it("tries again and again to end what could not be ended", async () => {
      bench.parts.steps.fail("runtime.stop", { times: 3 });
      const { id } = await bench.createRunning({ maxDurationMs: 1_000 });
      const reaper = bench.reaper();
      await reaper.tick();
      await bench.clock.advance(31_000);
      assert.equal(bench.sessions.get(id).state, "TERMINATING");
      await bench.clock.advance(30_000);
      assert.equal(bench.sessions.get(id).state, "TERMINATED");
      assert.deepEqual(bench.parts.count(), nothing);
      reaper.stop();
    });

    it("goes on after a record that could not be read", async () => {
      const { id } = await bench.createRunning({ maxDurationMs: minuteMs });
      const read = bench.store.liveSessions.bind(bench.store);
      let broken = true;
      bench.store.liveSessions = () => {
        if (broken) throw new Error("cannot be read");
        return read();
      };
      const reaper = bench.reaper();
      await reaper.tick();
      await bench.clock.advance(minuteMs);
      assert.ok(bench.logged.some(({ level, text }) => level === "error" && text.includes("cannot be read")));
      broken = false;
      await bench.clock.advance(15_000);
      await bench.until(id, "TERMINATED");
      reaper.stop();
    });

    it("waits with one alarm, never more than 15 seconds away, and none once it was stopped", async () => {
      const reaper = bench.reaper();
      await Promise.all([reaper.tick(), reaper.tick()]);
      assert.equal(bench.clock.alarms, 1);
      assert.equal(bench.clock.nextAlarmMs, 15_000);
      bench.create({ maxDurationMs: hourMs });
      assert.equal(bench.clock.nextAlarmMs, 15_000);
      reaper.stop();
      await reaper.tick();
      bench.create({ maxDurationMs: 1_000 });
      await settle();
      assert.equal(bench.clock.alarms, 0);
    });
  });
});
