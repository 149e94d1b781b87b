import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { settle } from "./fake-clock.js";
import { refused } from "./refused.js";
import { hourMs, Workbench } from "./workbench.js";

describe("the snapshot of a paused session", () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  const list = (filter: object = {}) =>
    bench.snapshots.list({ pageSize: 0, pageToken: "", ...filter }).snapshots;
  const paused = async (request: object = {}) => {
    const { id } = await bench.createRunning(request);
    const { pauseSnapshotId = "" } = await bench.sessions.pause(id);
    return { id, snapshotId: pauseSnapshotId };
  };

  it("is its disk, and there for as long as it is paused", async () => {
    const { id, snapshotId } = await paused({ pauseRetentionMs: hourMs });
    const shown = bench.snapshots.get(snapshotId);
    assert.deepEqual(
      [shown.type, shown.state, shown.durability, shown.sizeBytes, shown.sessionId],
      ["PAUSE", "READY", "DURABLE", 1, id],
    );
    assert.equal(shown.expiresAt?.getTime(), bench.clock.now().getTime() + hourMs);
    assert.deepEqual(list(), [shown]);
    assert.deepEqual(list({ sessionId: id }), [shown]);
    assert.deepEqual([list({ dangling: true }), list({ sessionId: "another" })], [[], []]);
    await bench.sessions.resume(id);
    assert.deepEqual([list(), bench.sessions.get(id).pauseSnapshotId], [[], undefined]);
    assert.throws(() => bench.snapshots.get(snapshotId), refused("not_found", "snapshot not found"));
    const again = await bench.sessions.pause(id);
    assert.notEqual(again.pauseSnapshotId, snapshotId);
    await bench.sessions.terminate(id);
    assert.deepEqual([list(), bench.sessions.get(id).pauseSnapshotId], [[], undefined]);
  });

  it("stands among the others by its age, over pages", async () => {
    const older = await bench.createRunning();
    const first = await bench.sessions.snapshots.create(older.id, { async: false });
    await bench.clock.advance(1_000);
    const { snapshotId } = await paused();
    await bench.clock.advance(1_000);
    const last = await bench.sessions.snapshots.create(older.id, { async: false });
    const ids: string[] = [];
    let pageToken = "";
    do {
      const page = bench.snapshots.list({ pageSize: 1, pageToken });
      ids.push(...page.snapshots.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    assert.deepEqual(ids, [last.id, snapshotId, first.id]);
  });

  it("survives the engine, and the machine", async () => {
    const { id, snapshotId } = await paused();
    bench.parts.runtime.sandboxes.delete(id);
    bench.lose();
    await bench.sessions.recover();
    await bench.snapshots.recover();
    assert.equal(bench.snapshots.get(snapshotId).type, "PAUSE");
    assert.equal(bench.sessions.get(id).processesLost, true);
    const made = await bench.createRunning({ snapshotId });
    assert.equal(bench.sessions.get(made.id).sourceSnapshotId, snapshotId);
    assert.equal(bench.parts.steps.taken.includes("disks.reopen"), true);
  });

  it("is made into sessions, by a copy that is gone when they are there", async () => {
    const { id, snapshotId } = await paused({ env: { A: "1" }, cpuCores: 3 });
    const made = await bench.createRunning({ snapshotId });
    assert.deepEqual([made.cpuCores, made.sourceSnapshotId, made.env], [3, snapshotId, { A: "1" }]);
    assert.equal(bench.parts.disks.madeFrom.size, 1);
    assert.equal(bench.parts.snapshots.taken.size, 0);
    assert.equal((await bench.sessions.resume(id)).state, "RUNNING");
  });

  it("serves nobody who comes when the session was resumed", async () => {
    const { id, snapshotId } = await paused();
    const held = bench.parts.steps.hold("runtime.resume");
    const resuming = bench.sessions.resume(id);
    await held.reached;
    assert.throws(() => bench.create({ snapshotId }), refused("not_found", "snapshot not found"));
    held.release();
    await resuming;
  });

  it("fails a session that was to be made of it, where the other was resumed first", async () => {
    const { id, snapshotId } = await paused();
    const resuming = bench.sessions.resume(id);
    const made = bench.create({ snapshotId });
    await resuming;
    const ended = await bench.until(made.id, "TERMINATED");
    assert.match(ended.terminalError ?? "", /snapshot not found/);
    assert.equal(bench.parts.snapshots.taken.size, 0);
  });

  it("is not deleted or changed: it is the session's", async () => {
    const { id, snapshotId } = await paused();
    const asked = { tags: ["a"], clearTags: false, clearExpiresAt: false };
    for (const call of [bench.snapshots.delete(snapshotId), bench.snapshots.update(snapshotId, asked)]) {
      await assert.rejects(call, refused("failed_precondition", `it goes when session ${id} is resumed`));
    }
    assert.equal(list().length, 1);
  });

  it("leaves nothing of the copy when it is read, or that fails", async () => {
    const { snapshotId } = await paused();
    const { tar, end } = await bench.sessions.snapshots.export(snapshotId, new AbortController().signal);
    assert.equal(bench.parts.snapshots.taken.size, 1);
    for await (const chunk of tar) assert.ok(chunk);
    await end();
    assert.equal(bench.parts.snapshots.taken.size, 0);
    bench.parts.steps.fail("snapshots.export");
    await assert.rejects(bench.sessions.snapshots.export(snapshotId, new AbortController().signal));
    bench.parts.steps.fail("disks.allocate");
    const failing = bench.create({ snapshotId });
    await bench.until(failing.id, "TERMINATED");
    await settle();
    assert.equal(bench.parts.snapshots.taken.size, 0);
  });
});
