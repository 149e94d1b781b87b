import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { beforeEach, describe, it } from "node:test";
import type { SessionRecord } from "../../src/engine/core/ports/store.js";
import { settle } from "./fake-clock.js";
import { refused } from "./refused.js";
import { Workbench } from "./workbench.js";

describe("watching a session", () => {
  let bench: Workbench;
  let abort: AbortController;
  beforeEach(() => {
    bench = new Workbench();
    abort = new AbortController();
  });

  /** Collects states until `last`, or to the end. */
  const collect = async (watched: AsyncIterable<SessionRecord>, last?: string) => {
    const states: string[] = [];
    for await (const { state } of watched) {
      states.push(state);
      if (state === last) break;
    }
    return states;
  };

  it("tells the present state at once, then each change", async () => {
    const held = bench.parts.steps.hold("runtime.start");
    const { id } = bench.create();
    await held.reached;
    const watching = collect(bench.sessions.watch(id, abort.signal), "TERMINATED");
    await settle();
    held.release();
    await bench.until(id, "RUNNING");
    await bench.update(id, { name: "renamed" });
    await bench.sessions.extend(id, 1_000);
    bench.sessions.reportActivity(id);
    await bench.sessions.terminate(id);
    assert.deepEqual(await watching, ["CREATING", "RUNNING", "TERMINATING", "TERMINATED"]);
  });

  it("tells it when the record knows it", async () => {
    const { id } = await bench.createRunning();
    const watching = (async () => {
      for await (const record of bench.sessions.watch(id, abort.signal)) {
        if (record.state === "TERMINATED") return record;
      }
      return undefined;
    })();
    await settle();
    await bench.sessions.terminate(id);
    assert.deepEqual(await watching, bench.sessions.get(id));
  });

  it("misses nothing that happens before it is first read", async () => {
    const { id } = bench.create();
    const watched = bench.sessions.watch(id, abort.signal);
    await bench.until(id, "RUNNING");
    assert.deepEqual(await collect(watched, "RUNNING"), ["RUNNING"]);
  });

  it("misses nothing while its reader is slow", async () => {
    const { id } = bench.create();
    const watched = bench.sessions.watch(id, abort.signal)[Symbol.asyncIterator]();
    const states = [(await watched.next()).value?.state];
    await bench.until(id, "RUNNING");
    await bench.sessions.terminate(id);
    for (let n = 0; n < 3; n += 1) states.push((await watched.next()).value?.state);
    assert.deepEqual(states, ["CREATING", "RUNNING", "TERMINATING", "TERMINATED"]);
    await watched.return?.();
  });

  it("tells several of the same", async () => {
    const { id } = bench.create();
    const all = [1, 2, 3].map(() => collect(bench.sessions.watch(id, abort.signal), "TERMINATED"));
    await bench.until(id, "RUNNING");
    await bench.sessions.terminate(id);
    for (const states of await Promise.all(all)) {
      assert.deepEqual(states, ["CREATING", "RUNNING", "TERMINATING", "TERMINATED"]);
    }
  });

  it("ends with its signal, before or after it began", async () => {
    const { id } = await bench.createRunning();
    const watching = collect(bench.sessions.watch(id, abort.signal));
    await settle();
    abort.abort();
    assert.deepEqual(await watching, ["RUNNING"]);
    assert.deepEqual(await collect(bench.sessions.watch(id, abort.signal)), ["RUNNING"]);
  });

  it("lets go of its signal when its reader does", async () => {
    const { id } = await bench.createRunning();
    for (let n = 0; n < 20; n += 1) await collect(bench.sessions.watch(id, abort.signal), "RUNNING");
    assert.equal(getEventListeners(abort.signal, "abort").length, 0);
  });

  it("refuses an unknown session at once", () => {
    assert.throws(
      () => bench.sessions.watch("nope", abort.signal),
      refused("not_found", "session not found"),
    );
  });
});
