import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { TenkiError } from "../../src/domain/error.js";
import { WorkspaceSettings } from "../../src/engine/core/workspace/workspace-settings.js";
import { refused } from "./refused.js";
import { hourMs, Workbench } from "./workbench.js";

const gigabyte = 2 ** 30;

let bench: Workbench;
beforeEach(() => void (bench = new Workbench()));

const currentOf = (key: string) => bench.limits.usage().find((limit) => limit.key === key)?.current;

describe("a workspace's settings", () => {
  it("bound sticky sessions, and nothing else, until somebody sets them", () => {
    assert.deepEqual(bench.settings.get(), { maxStickySessions: 5 });
  });

  it("change where they are set, go where they are cleared, and stay otherwise", () => {
    bench.settings.update({ maxVolumes: 7, pauseRetentionMs: hourMs });
    assert.deepEqual(bench.settings.update({ maxVolumes: 8, maxStickySessions: null }), {
      maxVolumes: 8,
      pauseRetentionMs: hourMs,
    });
    assert.deepEqual(bench.settings.update({ pauseRetentionMs: null }), { maxVolumes: 8 });
    assert.deepEqual(bench.settings.update({}), { maxVolumes: 8 });
  });

  it("outlive the engine, with what was cleared", () => {
    bench.settings.update({ maxStickySessions: null, maxTotalBytes: 2 ** 40 });
    assert.deepEqual(new WorkspaceSettings(bench.store).get(), { maxTotalBytes: 2 ** 40 });
  });

  it("refuse what bounds nothing, and then change nothing at all", () => {
    for (const change of [{ maxVolumes: 0 }, { maxSnapshots: -1 }, { maxTemplates: 1.5 }]) {
      assert.throws(
        () => bench.settings.update({ maxStickySessions: 1, ...change }),
        refused("invalid_argument", "has to be"),
      );
    }
    assert.throws(
      () => bench.settings.update({ pauseRetentionMs: 0 }),
      refused("invalid_argument", "pause_retention"),
    );
    assert.deepEqual(bench.settings.get(), { maxStickySessions: 5 });
  });
});

describe("the limit of active sessions", () => {
  it("holds when many are created at once, and leaves nothing of those that were refused", async () => {
    bench.settings.update({ maxConcurrentSessions: 2 });
    const attempts = await Promise.allSettled(
      Array.from({ length: 6 }, async () => bench.until(bench.create().id, "RUNNING")),
    );
    assert.equal(attempts.filter(({ status }) => status === "fulfilled").length, 2);
    assert.equal(bench.list({ includeTerminated: true }).sessions.length, 2);
    assert.equal(currentOf("active_sessions"), 2);
  });

  it("makes room when one ends", async () => {
    bench.settings.update({ maxConcurrentSessions: 1 });
    const { id } = await bench.createRunning();
    assert.throws(() => bench.create(), refused("resource_exhausted", "limit of 1 active sessions"));
    await bench.sessions.terminate(id);
    await bench.createRunning();
  });

  it("holds when many are resumed at once, and one is created", async () => {
    const sessions = await Promise.all([bench.createRunning(), bench.createRunning(), bench.createRunning()]);
    for (const { id } of sessions) await bench.sessions.pause(id);
    bench.settings.update({ maxConcurrentSessions: 2 });
    const attempts = await Promise.allSettled([
      ...sessions.map(({ id }) => bench.sessions.resume(id)),
      (async () => bench.create())(),
    ]);
    assert.equal(attempts.filter(({ status }) => status === "fulfilled").length, 2);
    assert.equal(currentOf("active_sessions"), 2);
  });

  it("does not count what holds no sandbox", async () => {
    bench.settings.update({ maxConcurrentSessions: 1 });
    const session = await bench.createRunning();
    for (const [state, counts] of [
      ["PAUSING", 1],
      ["PAUSED", 0],
      ["RESUMING", 1],
      ["USER_SHUTDOWN", 0],
      ["TERMINATING", 0],
    ] as const) {
      bench.store.updateSession({ ...session, state });
      assert.equal(currentOf("active_sessions"), counts, state);
      if (counts === 1)
        assert.throws(() => bench.limits.checkResume(), refused("resource_exhausted", "active"));
      else bench.limits.checkResume();
    }
  });
});

describe("the limit of sticky sessions", () => {
  it("holds at create and at update, whatever state they are in", async () => {
    bench.settings.update({ maxStickySessions: 1 });
    const sticky = await bench.createRunning({ sticky: true });
    const other = await bench.createRunning();
    const full = refused("resource_exhausted", "limit of 1 sticky sessions is reached: it has 1");
    assert.throws(() => bench.create({ sticky: true }), full);
    await assert.rejects(bench.update(other.id, { sticky: true }), full);
    assert.equal((await bench.update(sticky.id, { sticky: true, name: "same" })).name, "same");
    await bench.update(sticky.id, { sticky: false });
    await bench.update(other.id, { sticky: true });
    assert.equal(currentOf("sticky_sessions"), 1);
  });

  it("holds when many become sticky at once", async () => {
    bench.settings.update({ maxStickySessions: 1 });
    const sessions = await Promise.all([bench.createRunning(), bench.createRunning(), bench.createRunning()]);
    const changes = await Promise.allSettled(sessions.map(({ id }) => bench.update(id, { sticky: true })));
    assert.equal(changes.filter(({ status }) => status === "fulfilled").length, 1);
  });
});

describe("the limit of storage", () => {
  it("counts what disks may grow to, of paused sessions too, and what others keep", async () => {
    bench.settings.update({ maxTotalBytes: 30 * gigabyte });
    const session = await bench.createRunning({ diskSizeGb: 10 });
    bench.store.updateSession({ ...session, state: "PAUSED" });
    bench.limits.hold("volumes", { count: () => 2, bytes: () => 5 * gigabyte });
    assert.equal(currentOf("total_bytes"), 15 * gigabyte);
    assert.throws(
      () => bench.create({ diskSizeGb: 16 }),
      refused("resource_exhausted", "limit of 30 GiB of storage is reached: it has 15 GiB, and 16 GiB more"),
    );
    assert.throws(
      () => bench.limits.checkKept("snapshots", 16 * gigabyte),
      refused("resource_exhausted", "storage"),
    );
    bench.create({ diskSizeGb: 15 });
  });
});

describe("limits of what is kept beside sessions", () => {
  it("hold for each kind by itself", () => {
    bench.settings.update({ maxVolumes: 2, maxSnapshots: 3 });
    bench.limits.hold("volumes", { count: () => 2, bytes: () => 0 });
    bench.limits.hold("snapshots", { count: () => 2, bytes: () => 0 });
    assert.throws(() => bench.limits.checkKept("volumes", 1), refused("resource_exhausted", "2 volumes"));
    bench.limits.checkKept("volumes", 1, 0);
    bench.limits.checkKept("snapshots", 1);
  });
});

describe("what a workspace uses", () => {
  it("names everything that there is a limit of, with the limit where one is set", () => {
    const rows = bench.limits.usage().map(({ key, unit, current, max }) => [key, unit, current, max]);
    assert.deepEqual(rows, [
      ["active_sessions", "count", 0, undefined],
      ["sticky_sessions", "count", 0, 5],
      ["snapshots", "count", 0, undefined],
      ["templates", "count", 0, undefined],
      ["volumes", "count", 0, undefined],
      ["preview_urls_per_project", "count", 0, undefined],
      ["preview_urls_per_workspace", "count", 0, undefined],
      ["total_bytes", "bytes", 0, undefined],
    ]);
  });

  it("is told in words that no other kind of exhaustion is recognised by", () => {
    bench.settings.update({ maxConcurrentSessions: 1, maxStickySessions: 1, maxTotalBytes: gigabyte });
    bench.create({ sticky: true, diskSizeGb: 1 });
    const checks = [
      () => bench.limits.checkResume(),
      () => bench.limits.checkSticky({ sticky: false }),
      () => bench.limits.checkKept("snapshots", 1),
    ];
    for (const check of checks) {
      assert.throws(check, (error: unknown) => {
        assert.ok(error instanceof TenkiError);
        assert.doesNotMatch(
          `${error.message} ${error.hint}`,
          /maximum exposed ports|volume|rate limit|capacity/i,
        );
        return true;
      });
    }
  });
});
