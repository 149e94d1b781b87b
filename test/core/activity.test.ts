import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { refused } from "./refused.js";
import { hourMs, Workbench } from "./workbench.js";

describe("when a session was last used", () => {
  let bench: Workbench;
  let id: string;
  let writes: number;
  let full: boolean;
  beforeEach(async () => {
    bench = new Workbench();
    ({ id } = await bench.createRunning());
    writes = 0;
    full = false;
    const update = bench.store.updateSession.bind(bench.store);
    bench.store.updateSession = (record) => {
      if (full) throw new Error("no space left");
      writes += 1;
      update(record);
    };
    await bench.clock.advance(1_000);
  });
  const recorded = () => bench.store.getSession(id)?.lastActivityAt;

  it("is known at once, to get and to list, and written a little later", async () => {
    const at = bench.sessions.reportActivity(id);
    assert.deepEqual(at, bench.clock.now());
    assert.deepEqual(bench.sessions.get(id).lastActivityAt, at);
    assert.deepEqual(bench.list().sessions[0]?.lastActivityAt, at);
    assert.notDeepEqual(recorded(), at);
    await bench.clock.advance(5_000);
    assert.deepEqual(recorded(), at);
  });

  it("is written once for many uses, and not at all for none", async () => {
    for (let n = 0; n < 100; n += 1) {
      bench.sessions.reportActivity(id);
      await bench.clock.advance(40);
    }
    await bench.clock.advance(hourMs);
    assert.equal(writes, 1);
    assert.equal(bench.clock.alarms, 0);
  });

  it("is written when the engine closes", async () => {
    const at = bench.sessions.reportActivity(id);
    await bench.sessions.close();
    assert.deepEqual(recorded(), at);
    assert.equal(bench.clock.alarms, 0);
  });

  it("survives other changes, and the session's end", async () => {
    const at = bench.sessions.reportActivity(id);
    await bench.update(id, { name: "new" });
    assert.deepEqual(recorded(), at);
    await bench.clock.advance(10);
    const last = bench.sessions.reportActivity(id);
    await bench.sessions.terminate(id);
    await bench.clock.advance(hourMs);
    assert.deepEqual(recorded(), last);
    assert.equal(bench.store.getSession(id)?.state, "TERMINATED");
  });

  it("follows a wall clock that was set back", async () => {
    bench.sessions.reportActivity(id);
    await bench.clock.advance(5_000);
    bench.clock.set(new Date(bench.clock.now().getTime() - hourMs));
    const at = bench.sessions.reportActivity(id);
    assert.deepEqual(bench.sessions.get(id).lastActivityAt, at);
    await bench.clock.advance(5_000);
    assert.deepEqual(recorded(), at);
  });

  it("does not fail a command where it cannot be written, and is written later", async () => {
    full = true;
    bench.sessions.reportActivity(id);
    await bench.clock.advance(5_000);
    assert.ok(bench.logged.some(({ level, text }) => level === "error" && text.includes("no space left")));
    full = false;
    const at = bench.sessions.reportActivity(id);
    await bench.clock.advance(5_000);
    assert.deepEqual(recorded(), at);
  });

  it("is refused where nothing runs", async () => {
    await bench.sessions.terminate(id);
    assert.throws(
      () => bench.sessions.reportActivity(id),
      refused("failed_precondition", "session is terminated (state=TERMINATED)"),
    );
    assert.throws(() => bench.sessions.reportActivity("nope"), refused("not_found", "session not found"));
  });
});
