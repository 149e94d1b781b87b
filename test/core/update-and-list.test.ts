import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { refused } from "./refused.js";
import { Workbench } from "./workbench.js";

let bench: Workbench;
beforeEach(() => void (bench = new Workbench()));

describe("updating a session", () => {
  it("changes what was asked for, and nothing else", async () => {
    const before = await bench.createRunning({ name: "one", tags: ["a"], sticky: false });
    assert.deepEqual(await bench.update(before.id, {}), before);
    assert.deepEqual(await bench.update(before.id, { name: "two" }), { ...before, name: "two" });
    assert.deepEqual(await bench.update(before.id, { sticky: true }), {
      ...before,
      name: "two",
      sticky: true,
    });
    assert.deepEqual(bench.sessions.get(before.id), { ...before, name: "two", sticky: true });
  });

  it("replaces tags where there are any, and clears them only when told to", async () => {
    const { id } = await bench.createRunning({ tags: ["a", "b"] });
    assert.deepEqual((await bench.update(id, { tags: ["c", "c"] })).tags, ["c"]);
    assert.deepEqual((await bench.update(id, { tags: [] })).tags, ["c"]);
    assert.deepEqual((await bench.update(id, { clearTags: true })).tags, []);
    assert.deepEqual((await bench.update(id, { tags: ["d"], clearTags: true })).tags, []);
  });

  it("refuses a name that is none", async () => {
    const before = await bench.createRunning();
    for (const name of ["", "a b"]) {
      await assert.rejects(bench.update(before.id, { name }), refused("invalid_argument", "is not valid"));
    }
    assert.deepEqual(bench.sessions.get(before.id), before);
  });
});

describe("listing sessions", () => {
  const walk = (pageSize: number, onPage: () => void = () => undefined) => {
    const seen: string[] = [];
    let pageToken = "";
    let pages = 0;
    do {
      const { sessions, nextPageToken } = bench.list({ pageSize, pageToken });
      seen.push(...sessions.map(({ id }) => id));
      pageToken = nextPageToken;
      pages += 1;
      onPage();
    } while (pageToken !== "");
    return { seen, pages };
  };

  it("walks 250 of them without gap or repeat while others are created and ended", async () => {
    const made: string[] = [];
    for (let n = 0; n < 250; n += 1) {
      made.push(bench.create().id);
      if (n % 10 === 0) await bench.clock.advance(1);
    }
    await bench.clock.advance(1);
    const { seen, pages } = walk(20, () => void bench.create());
    assert.equal(pages, 13);
    assert.deepEqual([...seen].sort(), [...made].sort());
  });

  it("has 50 on a page unless another size is asked for", () => {
    for (let n = 0; n < 60; n += 1) bench.create();
    assert.equal(bench.list().sessions.length, 50);
    assert.equal(bench.list({ pageSize: 100 }).sessions.length, 60);
    assert.equal(bench.list({ pageSize: 100 }).nextPageToken, "");
  });

  it("shows the newest first", async () => {
    const { id: older } = bench.create();
    await bench.clock.advance(1);
    const { id: newer } = bench.create();
    assert.deepEqual(
      bench.list().sessions.map(({ id }) => id),
      [newer, older],
    );
  });

  it("refuses a page token that is not its own", () => {
    bench.create();
    bench.create();
    const { nextPageToken } = bench.list({ pageSize: 1 });
    assert.equal(bench.list({ pageSize: 1, pageToken: nextPageToken }).sessions.length, 1);
    const other = new Workbench();
    other.create();
    other.create();
    const foreign = other.list({ pageSize: 1 }).nextPageToken;
    const inside = Buffer.from(nextPageToken, "base64url").toString("utf8");
    const changed = Buffer.from(inside.replace(/^\d/, "9")).toString("base64url");
    for (const pageToken of [
      "x",
      "%%%",
      "é",
      foreign,
      changed,
      nextPageToken.slice(0, -4),
      "a".repeat(10_000),
    ]) {
      assert.throws(() => bench.list({ pageToken }), refused("invalid_argument", "page_token"));
    }
  });

  it("filters by tags, stickiness and states", async () => {
    const a = await bench.createRunning({ tags: ["x", "y"], sticky: true });
    const b = await bench.createRunning({ tags: ["x"] });
    const held = bench.parts.steps.hold("runtime.start");
    const c = bench.create({ tags: ["y"] });
    await held.reached;
    const ids = (request: Parameters<typeof bench.list>[0]) =>
      bench
        .list(request)
        .sessions.map(({ id }) => id)
        .sort();
    assert.deepEqual(ids({}), [a.id, b.id, c.id].sort());
    assert.deepEqual(ids({ tags: ["x"] }), [a.id, b.id].sort());
    assert.deepEqual(ids({ tags: ["x", "y"] }), [a.id]);
    assert.deepEqual(ids({ sticky: true }), [a.id]);
    assert.deepEqual(ids({ sticky: false }), [b.id, c.id].sort());
    assert.deepEqual(ids({ states: ["CREATING"] }), [c.id]);
    assert.deepEqual(ids({ states: [] }), [a.id, b.id, c.id].sort());
    held.release();
  });

  it("shows the terminated only to who asks for them", async () => {
    const { id } = await bench.createRunning();
    await bench.sessions.terminate(id);
    assert.equal(bench.list().sessions.length, 0);
    assert.equal(bench.list({ includeTerminated: true }).sessions[0]?.id, id);
    assert.equal(bench.list({ states: ["TERMINATED"] }).sessions[0]?.id, id);
    assert.equal(bench.list({ states: ["RUNNING"], includeTerminated: true }).sessions.length, 0);
  });

  it("keeps to its own workspace, project and owner", () => {
    bench.create();
    const { workspaceId, projectId, identity } = bench.access;
    assert.equal(bench.list({ workspaceId, projectId, ownerId: identity.ownerId }).sessions.length, 1);
    assert.equal(bench.list({ ownerId: "self" }).sessions.length, 1);
    assert.throws(() => bench.list({ workspaceId: "w" }), refused("permission_denied", "workspace w"));
    assert.throws(() => bench.list({ projectId: "p" }), refused("permission_denied", "project p"));
    assert.throws(() => bench.list({ ownerId: "o" }), refused("permission_denied", "owner o"));
  });
});
