import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
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
});
