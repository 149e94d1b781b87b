import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { settle } from "./fake-clock.js";
import { refused } from "./refused.js";
import { hourMs, Workbench } from "./workbench.js";

describe("snapshots", () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  const take = (id: string, request: object = {}) =>
    bench.sessions.snapshots.create(id, { async: false, ...request });
  const list = (filter: object = {}) =>
    bench.snapshots.list({ pageSize: 0, pageToken: "", ...filter }).snapshots;
  const { update } = { update: { tags: [], clearTags: false, clearExpiresAt: false } };
  /** The process is gone, and the next one has recovered. */
  const restart = async () => {
    bench.lose();
    await bench.sessions.recover();
    await bench.snapshots.recover();
    await settle();
  };
  const kept = () => [...bench.parts.snapshots.taken.keys()];

  it("are ready when they are taken, and outlast a loss of power soon after", async () => {
    const { id } = await bench.createRunning({ cpuCores: 3, memoryMb: 1_024, diskSizeGb: 7 });
    const held = bench.parts.steps.hold("snapshots.persist");
    const taken = await take(id, { name: "one" });
    await held.reached;
    assert.deepEqual(
      [taken.state, taken.durability, taken.sizeBytes, taken.name, taken.type],
      ["READY", "LOCAL_READY", 4_096, "one", "USER"],
    );
    assert.deepEqual([taken.cpuCores, taken.memoryMb, taken.diskSizeGb], [3, 1_024, 7]);
    assert.deepEqual(taken.localReadyAt, bench.clock.now());
    held.release();
    await settle();
    assert.equal(bench.snapshots.get(taken.id).durability, "DURABLE");
    assert.equal(bench.parts.snapshots.get(taken.id).isPersisted, true);
  });

  it("say where they cannot be made to outlast it, and are tried again by the next engine", async () => {
    const { id } = await bench.createRunning();
    bench.parts.steps.fail("snapshots.persist", { error: new Error("the disk is broken") });
    const taken = await take(id);
    await settle();
    const { durability, propagationError } = bench.snapshots.get(taken.id);
    assert.deepEqual([durability, propagationError], ["PROPAGATION_FAILED", "the disk is broken"]);
    await restart();
    assert.equal(bench.snapshots.get(taken.id).durability, "DURABLE");
  });

  it("are answered before they are taken where that is asked for", async () => {
    const { id } = await bench.createRunning();
    const held = bench.parts.steps.hold("snapshots.take");
    const begun = await take(id, { async: true });
    assert.equal(begun.state, "CREATING");
    await held.reached;
    assert.throws(
      () => bench.create({ snapshotId: begun.id }),
      refused("failed_precondition", "snapshot is still being taken (state=CREATING)"),
    );
    held.release();
    await settle();
    assert.equal(bench.snapshots.get(begun.id).state, "READY");
  });

  it("leave nothing where they cannot be taken, and the reason where somebody knows the id", async () => {
    const { id } = await bench.createRunning();
    bench.parts.steps.fail("snapshots.take", { error: new Error("no space left"), when: "after", times: 2 });
    await assert.rejects(take(id), /no space left/);
    assert.deepEqual(list(), []);
    const begun = await take(id, { async: true });
    await settle();
    const { state, failureReason, sizeBytes } = bench.snapshots.get(begun.id);
    assert.deepEqual([state, failureReason, sizeBytes], ["FAILED", "no space left", 0]);
    assert.throws(
      () => bench.create({ snapshotId: begun.id }),
      refused("failed_precondition", "could not be taken (state=FAILED): no space left"),
    );
    assert.deepEqual(kept(), []);
    assert.equal((await bench.snapshots.delete(begun.id)).state, "DELETED");
  });

  it("are taken of sessions that run or are paused, and of no others", async () => {
    const { id } = await bench.createRunning();
    await bench.sessions.pause(id);
    assert.equal((await take(id)).state, "READY");
    const held = bench.parts.steps.hold("runtime.start");
    const creating = bench.create();
    await held.reached;
    await assert.rejects(take(creating.id), refused("failed_precondition", "(state=CREATING)"));
    held.release();
    await bench.sessions.terminate(id);
    await assert.rejects(take(id), refused("failed_precondition", "session is terminated"));
    await assert.rejects(
      take("00000000-0000-4000-8000-000000000000"),
      refused("not_found", "session not found"),
    );
  });

  it("wait for what is done with the session, and see what became of it", async () => {
    const { id } = await bench.createRunning();
    const held = bench.parts.steps.hold("disks.persist");
    const pausing = bench.sessions.pause(id);
    await held.reached;
    const taking = take(id);
    held.release();
    await pausing;
    assert.equal((await taking).state, "READY");
    const stopping = bench.parts.steps.hold("runtime.stop");
    const ending = bench.sessions.terminate(id);
    const tooLate = bench.sessions.snapshots.create(id, { async: false });
    await stopping.reached;
    stopping.release();
    await ending;
    await assert.rejects(tooLate, refused("failed_precondition", "session is terminated"));
    assert.equal(list().length, 1);
  });

  it("are not to be had where disks cannot be copied", async () => {
    const { id } = await bench.createRunning();
    bench.parts.snapshots.unavailable = "there are no snapshots here";
    await assert.rejects(take(id), refused("failed_precondition", "there are no snapshots here"));
    await bench.sessions.pause(id);
    assert.equal(bench.sessions.get(id).pauseSnapshotId, undefined);
  });

  it("hold the processes where the disk cannot be held", async () => {
    bench.parts.snapshots.needsStill = true;
    const { id } = await bench.createRunning();
    const held = bench.parts.steps.hold("snapshots.take");
    const taking = take(id);
    await held.reached;
    assert.equal(await bench.parts.runtime.isPaused(id), true);
    held.release();
    await taking;
    assert.equal(await bench.parts.runtime.isPaused(id), false);
    bench.parts.steps.fail("snapshots.take");
    await assert.rejects(take(id));
    assert.equal(await bench.parts.runtime.isPaused(id), false);
    void bench.parts.steps.hold("snapshots.take");
    void take(id);
    await settle();
    await restart();
    assert.equal(await bench.parts.runtime.isPaused(id), false);
    assert.equal(bench.sessions.get(id).state, "RUNNING");
  });

  it("are made into sessions, which go on with what they do not say themselves", async () => {
    const asked = { cpuCores: 3, memoryMb: 1_024, diskSizeGb: 7, env: { A: "1", B: "2", GH_TOKEN: "x" } };
    const { id } = await bench.createRunning(asked);
    const { id: snapshotId } = await take(id);
    await bench.sessions.terminate(id);
    const made = await bench.createRunning({ snapshotId, memoryMb: 2_048, env: { B: "3" } });
    assert.deepEqual([made.cpuCores, made.memoryMb, made.diskSizeGb], [3, 2_048, 7]);
    assert.deepEqual([made.snapshotId, made.sourceSnapshotId], [snapshotId, snapshotId]);
    assert.equal(bench.parts.disks.madeFrom.get(made.diskHandle ?? ""), snapshotId);
    const spec = bench.parts.runtime.sandboxes.get(made.id)?.spec;
    assert.deepEqual(spec?.environment, { A: "1", B: "3" });
    assert.deepEqual(spec?.files, [{ path: "/etc/machine-id", content: "", mode: 0o444 }]);
  });

  it("are not made into what they cannot be", async () => {
    const { id } = await bench.createRunning();
    const { id: snapshotId } = await take(id);
    const refuse = (request: object, kind: "invalid_argument" | "not_found", text: string) =>
      assert.throws(() => bench.create({ snapshotId, ...request }), refused(kind, text));
    refuse({ image: "other" }, "invalid_argument", "contradict each other");
    refuse({ diskSizeGb: 5 }, "invalid_argument", "disk_size_gb must be at least 10");
    refuse({ snapshotId: "unknown" }, "not_found", "snapshot not found: unknown");
    assert.equal(bench.list().sessions.length, 1);
  });

  it("wait with their end for a session that is being made of them, and serve no new one", async () => {
    const { id } = await bench.createRunning();
    const { id: snapshotId } = await take(id);
    await settle();
    const held = bench.parts.steps.hold("disks.allocate");
    const made = bench.create({ snapshotId });
    await held.reached;
    const deleting = bench.snapshots.delete(snapshotId);
    await settle();
    assert.equal(bench.snapshots.get(snapshotId).state, "DELETING");
    assert.throws(
      () => bench.create({ snapshotId }),
      refused("failed_precondition", "snapshot is being deleted (state=DELETING)"),
    );
    held.release();
    assert.equal((await deleting).state, "DELETED");
    await bench.until(made.id, "RUNNING");
    assert.deepEqual(kept(), []);
    assert.throws(() => bench.snapshots.get(snapshotId), refused("not_found", "snapshot not found"));
  });

  it("are let go of by a session that was called off", async () => {
    const { id } = await bench.createRunning();
    const { id: snapshotId } = await take(id);
    const made = bench.create({ snapshotId });
    await bench.sessions.terminate(made.id);
    await bench.snapshots.delete(snapshotId);
    assert.deepEqual(kept(), []);
  });

  it("are deleted by one of two who ask at once, and both are right", async () => {
    const { id } = await bench.createRunning();
    const { id: snapshotId } = await take(id);
    const both = await Promise.all([bench.snapshots.delete(snapshotId), bench.snapshots.delete(snapshotId)]);
    assert.deepEqual(
      both.map(({ state }) => state),
      ["DELETED", "DELETED"],
    );
    assert.deepEqual(kept(), []);
  });

  it("are renamed, tagged, and given another end", async () => {
    const { id } = await bench.createRunning();
    const { id: snapshotId } = await take(id);
    const expiresAt = new Date(bench.clock.now().getTime() + hourMs);
    const changed = await bench.snapshots.update(snapshotId, {
      ...update,
      ...{ name: "two", tags: ["x", "x", "y"], expiresAt },
    });
    assert.deepEqual([changed.name, changed.tags, changed.expiresAt], ["two", ["x", "y"], expiresAt]);
    const cleared = await bench.snapshots.update(snapshotId, {
      ...{ tags: [], clearTags: true, clearExpiresAt: true },
    });
    assert.deepEqual([cleared.name, cleared.tags, cleared.expiresAt], ["two", [], undefined]);
    const past = { ...update, expiresAt: bench.clock.now() };
    await assert.rejects(bench.snapshots.update(snapshotId, past), refused("invalid_argument", "expires_at"));
    await assert.rejects(
      take(id, { expiresAt: bench.clock.now() }),
      refused("invalid_argument", "expires_at"),
    );
    await assert.rejects(take(id, { name: "two\nlines" }), refused("invalid_argument", "name"));
    const both = { ...update, expiresAt, clearExpiresAt: true };
    assert.throws(() => bench.snapshots.update(snapshotId, both), refused("invalid_argument", "contradict"));
  });

  it("expire: at their own time, or after the workspace's", async () => {
    const { id } = await bench.createRunning();
    const reaper = bench.reaper();
    await reaper.tick();
    bench.settings.update({ snapshotRetentionMs: 2 * hourMs });
    const own = await take(id, { expiresAt: new Date(bench.clock.now().getTime() + hourMs) });
    const other = await take(id);
    assert.equal(other.expiresAt?.getTime(), bench.clock.now().getTime() + 2 * hourMs);
    await bench.clock.advance(hourMs - 1);
    assert.equal(list().length, 2);
    await bench.clock.advance(20);
    await settle();
    assert.deepEqual(
      list().map((each) => each.id),
      [other.id],
    );
    const gone = refused(
      "not_found",
      `snapshot not found: ${own.id} expired at ${own.expiresAt?.toISOString()}`,
    );
    assert.throws(() => bench.snapshots.get(own.id), gone);
    assert.throws(() => bench.create({ snapshotId: own.id }), gone);
    await assert.rejects(bench.snapshots.delete(own.id), gone);
    const { id: deleted } = await take(id);
    await bench.snapshots.delete(deleted);
    assert.throws(() => bench.snapshots.get(deleted), { message: `snapshot not found: ${deleted}` });
    await bench.clock.advance(hourMs);
    await settle();
    assert.deepEqual(list(), []);
    assert.deepEqual(kept(), []);
    reaper.stop();
  });

  it("serve nobody from the moment that they expire, also before they are gone", async () => {
    const { id } = await bench.createRunning();
    const { id: snapshotId } = await take(id, { expiresAt: new Date(bench.clock.now().getTime() + hourMs) });
    await bench.clock.advance(hourMs);
    assert.throws(() => bench.create({ snapshotId }), refused("failed_precondition", "snapshot has expired"));
  });

  it("are tried again where they could not be deleted", async () => {
    const { id } = await bench.createRunning();
    const { id: snapshotId } = await take(id);
    bench.parts.steps.fail("snapshots.remove");
    await assert.rejects(bench.snapshots.delete(snapshotId));
    assert.equal(bench.snapshots.get(snapshotId).state, "DELETING");
    await bench.snapshots.attendDue();
    await settle();
    assert.deepEqual([list(), kept()], [[], []]);
  });

  it("count against the workspace's limits, and not while they fail or go", async () => {
    const { id } = await bench.createRunning();
    bench.settings.update({ maxSnapshots: 1 });
    const { id: snapshotId } = await take(id);
    await assert.rejects(take(id), refused("resource_exhausted", "limit of 1 snapshots"));
    await bench.snapshots.delete(snapshotId);
    assert.equal((await take(id)).state, "READY");
    bench.settings.update({ maxSnapshots: null, maxTotalBytes: 10 * 2 ** 30 + 4_096 });
    await assert.rejects(take(id), refused("resource_exhausted", "of storage"));
  });

  it("are listed newest first, by session, and where their session is over", async () => {
    const [first, second] = [await bench.createRunning(), await bench.createRunning()];
    const ids: string[] = [];
    for (const { id } of [first, second, first]) {
      ids.unshift((await take(id)).id);
      await bench.clock.advance(1_000);
    }
    const idsOf = (filter: object) => list(filter).map(({ id }) => id);
    assert.deepEqual(idsOf({}), ids);
    assert.deepEqual(idsOf({ sessionId: second.id }), [ids[1]]);
    assert.deepEqual(idsOf({ dangling: true }), []);
    await bench.sessions.terminate(first.id);
    assert.deepEqual(idsOf({ dangling: true }), [ids[0], ids[2]]);
    const page = bench.snapshots.list({ pageSize: 2, pageToken: "" });
    const next = bench.snapshots.list({ pageSize: 2, pageToken: page.nextPageToken });
    assert.deepEqual(
      [...page.snapshots, ...next.snapshots].map(({ id }) => id),
      ids,
    );
    assert.equal(next.nextPageToken, "");
    assert.throws(() => list({ workspaceId: "another" }), refused("permission_denied", "not yours"));
  });

  it("are finished or removed after a loss in the middle", async () => {
    const { id } = await bench.createRunning();
    const { id: whole } = await take(id);
    const { id: half } = await take(id);
    await settle();
    const deleting = bench.parts.steps.hold("snapshots.remove");
    void bench.snapshots.delete(half);
    await deleting.reached;
    const taking = bench.parts.steps.hold("snapshots.take", "after");
    void take(id);
    await taking.reached;
    await restart();
    assert.deepEqual([list().map((each) => each.id), kept()], [[whole], [whole]]);
    void bench.parts.steps.hold("snapshots.take", "after");
    const promised = await take(id, { async: true });
    await settle();
    await restart();
    const { state, failureReason } = bench.snapshots.get(promised.id);
    assert.deepEqual([state, failureReason], ["FAILED", "the engine stopped while it was taken"]);
    assert.deepEqual(kept(), [whole]);
  });
});
