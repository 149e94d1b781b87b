import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Commands } from "../../src/engine/core/commands/commands.js";
import { settle } from "./fake-clock.js";
import { refused } from "./refused.js";
import { dayMs, hourMs, minuteMs, nothing, oneOfEach, Workbench } from "./workbench.js";

const signal = new AbortController().signal;
const plain = { argv: ["true"], cwd: "", env: {}, terminal: false, privileged: false, timeoutMs: 0 };

describe("pausing and resuming", () => {
  let bench: Workbench;
  beforeEach(() => void (bench = new Workbench()));
  const inMs = (ms: number) => new Date(bench.clock.now().getTime() + ms);
  const isFrozen = (id: string) => bench.parts.runtime.sandboxes.get(id)?.isPaused;
  const createPaused = async (request: Parameters<Workbench["create"]>[0] = {}) =>
    bench.sessions.pause((await bench.createRunning(request)).id);

  it("stops everything, makes its files last, and says so in the record", async () => {
    const { id, diskHandle } = await bench.createRunning();
    await bench.clock.advance(minuteMs);
    const paused = await bench.sessions.pause(id);
    assert.equal(paused.state, "PAUSED");
    assert.deepEqual(paused.pausedAt, bench.clock.now());
    assert.equal(paused.pauseExpiresAt, undefined);
    assert.equal(isFrozen(id), true);
    assert.deepEqual([...bench.parts.disks.persisted], [diskHandle]);
    assert.deepEqual(bench.parts.count(), oneOfEach);
    assert.deepEqual(bench.store.getSession(id), paused);
    assert.deepEqual(bench.list({ states: ["PAUSED"] }).sessions, [paused]);
  });

  it("goes on under the same id, as if it was used just now", async () => {
    const before = await bench.createRunning({ pauseRetentionMs: hourMs });
    await bench.sessions.pause(before.id);
    await bench.clock.advance(minuteMs);
    const resumed = await bench.sessions.resume(before.id);
    assert.equal(isFrozen(before.id), false);
    assert.deepEqual(resumed, {
      ...before,
      lastActivityAt: bench.clock.now(),
      lastResumeError: undefined,
      pausedAt: undefined,
      pauseSnapshotBytes: undefined,
      pauseSnapshotId: undefined,
      pauseExpiresAt: undefined,
      processesLost: undefined,
    });
    assert.ok(!bench.parts.steps.taken.includes("disks.reopen"), "nothing was booted");
  });

  it("tells who watches of each state", async () => {
    const { id } = await bench.createRunning();
    const seen: string[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const { state } of bench.sessions.watch(id, stop.signal)) seen.push(state);
    })();
    await settle();
    await bench.sessions.pause(id);
    await bench.sessions.resume(id);
    await settle();
    stop.abort();
    await watching;
    assert.deepEqual(seen, ["RUNNING", "PAUSING", "PAUSED", "RESUMING", "RUNNING"]);
  });

  it("is refused where it is not possible, by the state's name", async () => {
    const { id } = await createPaused();
    await assert.rejects(
      bench.sessions.pause(id),
      refused("failed_precondition", "session is not running (state=PAUSED)"),
    );
    await bench.sessions.resume(id);
    await assert.rejects(
      bench.sessions.resume(id),
      refused("failed_precondition", "session is not paused (state=RUNNING)"),
    );
    await bench.sessions.terminate(id);
    const ended = refused("failed_precondition", "session is terminated (state=TERMINATED)");
    await assert.rejects(bench.sessions.pause(id), ended);
    await assert.rejects(bench.sessions.resume(id), ended);
    await assert.rejects(bench.sessions.pause("nope"), refused("not_found", "session not found"));
    await assert.rejects(bench.sessions.resume("nope"), refused("not_found", "session not found"));
  });

  it("refuses commands, activity and credentials meanwhile, and takes changes", async () => {
    const { id } = await createPaused({ maxDurationMs: hourMs });
    const notRunning = refused("failed_precondition", "session is not running (state=PAUSED)");
    assert.throws(() => bench.sessions.requireRunning(id), notRunning);
    assert.throws(() => bench.sessions.reportActivity(id), notRunning);
    await assert.rejects(
      new Commands(bench.sessions, bench.parts.runtime).run(id, plain, signal),
      notRunning,
    );
    assert.equal((await bench.update(id, { name: "new" })).state, "PAUSED");
    assert.deepEqual((await bench.sessions.extend(id, hourMs)).timeoutAt, inMs(2 * hourMs));
  });

  it("terminates what is paused, and leaves nothing", async () => {
    const { id } = await createPaused();
    assert.equal((await bench.sessions.terminate(id)).state, "TERMINATED");
    assert.deepEqual(bench.parts.count(), nothing);
  });

  for (const step of ["runtime.pause", "disks.persist"]) {
    it(`runs on where ${step} fails`, async () => {
      const { id } = await bench.createRunning();
      bench.parts.steps.fail(step);
      await assert.rejects(bench.sessions.pause(id), /was told to fail/);
      const record = bench.sessions.get(id);
      assert.equal(record.state, "RUNNING");
      assert.equal(record.pausedAt, undefined);
      assert.equal(isFrozen(id), false);
      assert.equal((await bench.sessions.pause(id)).state, "PAUSED");
    });
  }

  it("ends, and says so, where the sandbox was gone when it was to be paused", async () => {
    const { id } = await bench.createRunning();
    bench.parts.runtime.die(id);
    await assert.rejects(bench.sessions.pause(id), refused("failed_precondition", "session is terminated"));
    assert.equal(bench.sessions.get(id).terminalError, "its sandbox ended by itself");
    assert.deepEqual(bench.parts.count(), nothing);
  });

  it("stays paused where a resume fails, says why, and can be resumed later", async () => {
    const { id } = await createPaused({ pauseRetentionMs: hourMs });
    bench.parts.steps.fail("runtime.resume", { error: new Error("no room") });
    const failed = await bench.sessions.resume(id);
    assert.equal(failed.state, "PAUSED");
    assert.equal(failed.lastResumeError, "no room");
    assert.ok(failed.pausedAt !== undefined && failed.pauseExpiresAt !== undefined);
    const resumed = await bench.sessions.resume(id);
    assert.equal(resumed.state, "RUNNING");
    assert.equal(resumed.lastResumeError, undefined);
  });

  it("does not resume more sessions than the workspace may have", async () => {
    const { id } = await createPaused();
    bench.settings.update({ maxConcurrentSessions: 1 });
    const other = await bench.createRunning();
    await assert.rejects(bench.sessions.resume(id), refused("resource_exhausted", "limit of 1"));
    assert.equal(bench.sessions.get(id).state, "PAUSED");
    await bench.sessions.terminate(other.id);
    assert.equal((await bench.sessions.resume(id)).state, "RUNNING");
  });

  describe("whose processes are gone", () => {
    it("starts afresh on its own disk, with a network of its own", async () => {
      const { id, diskHandle, networkHandle } = await createPaused();
      bench.parts.runtime.die(id);
      const resumed = await bench.sessions.resume(id);
      assert.equal(resumed.state, "RUNNING");
      assert.equal(resumed.diskHandle, diskHandle);
      assert.deepEqual(bench.parts.count(), oneOfEach);
      const started = bench.parts.runtime.sandboxes.get(id)?.spec;
      assert.equal(started?.disk.handle, diskHandle);
      assert.equal(started?.network.handle, resumed.networkHandle);
      assert.equal(networkHandle, resumed.networkHandle, "the old one was given back first");
    });

    for (const step of ["disks.reopen", "network.attach", "runtime.start", "images.resolve"]) {
      it(`stays paused with its disk where ${step} fails, and can be resumed later`, async () => {
        const { id, diskHandle } = await createPaused();
        bench.parts.runtime.die(id);
        bench.parts.steps.fail(step);
        const failed = await bench.sessions.resume(id);
        assert.equal(failed.state, "PAUSED");
        assert.match(failed.lastResumeError ?? "", /was told to fail/);
        assert.ok(bench.parts.disks.allocated.has(diskHandle ?? ""));
        assert.equal((await bench.sessions.resume(id)).state, "RUNNING");
        assert.deepEqual(bench.parts.count(), oneOfEach);
      });
    }
  });

  describe("for so long", () => {
    it("is terminated when its retention is over, and not before", async () => {
      const reaper = bench.reaper();
      await reaper.tick();
      const { id, pauseExpiresAt } = await createPaused({ pauseRetentionMs: 2_000 });
      assert.deepEqual(pauseExpiresAt, inMs(2_000));
      await bench.clock.advance(1_999);
      assert.equal(bench.sessions.get(id).state, "PAUSED");
      await bench.clock.advance(1);
      const ended = await bench.until(id, "TERMINATED");
      assert.equal(ended.terminalError, "its pause_retention is over");
      assert.deepEqual(bench.parts.count(), nothing);
      reaper.stop();
    });

    it("goes by the workspace's retention where it has none, and by neither once it runs", async () => {
      bench.settings.update({ pauseRetentionMs: hourMs });
      const own = await createPaused({ pauseRetentionMs: 2 * hourMs });
      const shared = await createPaused();
      const resumed = await createPaused();
      await bench.sessions.resume(resumed.id);
      assert.deepEqual(own.pauseExpiresAt, inMs(2 * hourMs));
      assert.deepEqual(shared.pauseExpiresAt, inMs(hourMs));
      bench.clock.set(inMs(hourMs));
      const reaper = bench.reaper();
      await reaper.tick();
      await bench.until(shared.id, "TERMINATED");
      assert.equal(bench.sessions.get(own.id).state, "PAUSED");
      assert.equal(bench.sessions.get(resumed.id).state, "RUNNING");
      reaper.stop();
    });

    it("is a time that makes sense", async () => {
      for (const pauseRetentionMs of [0, -1, Number.NaN, 365 * dayMs + 1, 1e300]) {
        assert.throws(
          () => bench.create({ pauseRetentionMs }),
          refused("invalid_argument", "pause_retention"),
        );
      }
      bench.settings.update({ pauseRetentionMs: Number.MAX_SAFE_INTEGER });
      assert.deepEqual((await createPaused()).pauseExpiresAt, inMs(365 * dayMs));
    });

    it("is ended by its max_duration, paused or not", async () => {
      const { id } = await createPaused({ maxDurationMs: hourMs });
      bench.clock.set(inMs(hourMs));
      const reaper = bench.reaper();
      await reaper.tick();
      assert.equal((await bench.until(id, "TERMINATED")).terminalError, "it reached its max_duration");
      reaper.stop();
    });
  });
});
