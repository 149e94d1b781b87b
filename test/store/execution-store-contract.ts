import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { ExecutionRecord, ExecutionStore } from "../../src/engine/core/ports/execution-store.js";
import { refused } from "../core/refused.js";
import { executionRecord } from "./records.js";

/** What every record of executions keeps to. */
export function executionStoreContract(
  name: string,
  open: () => { readonly executions: ExecutionStore; close(): void },
): void {
  describe(`${name}: what every record of executions keeps to`, () => {
    let opened: ReturnType<typeof open>;
    let store: ExecutionStore;
    beforeEach(() => {
      opened = open();
      store = opened.executions;
    });
    afterEach(() => opened.close());

    const insert = (id: string, changes: Partial<ExecutionRecord> = {}) =>
      store.insertExecution(executionRecord(id, changes));
    const idsOf = (executions: readonly ExecutionRecord[]) => executions.map(({ id }) => id);
    const list = (filter: { sessionId?: string; runningOnly?: boolean } = {}) =>
      idsOf(store.listExecutions({ runningOnly: false, ...filter }, { size: 100 }).executions);

    it("gives back what was inserted, whole", () => {
      const record = executionRecord("a", {
        argv: ["sh", "-c", `echo "Ω\n"`],
        state: "FAILED",
        endedAt: new Date(1_900_000_000_001),
        exit: { exitCode: 143, signal: "TERM", timedOut: false, durationMs: 12.5, reason: "signaled" },
        outputBytes: 2 ** 40,
        keptFrom: 7,
        problem: "why",
      });
      store.insertExecution(record);
      assert.deepEqual(store.getExecution("a"), record);
    });

    it("has nothing under an id that it does not know", () => {
      assert.equal(store.getExecution("a"), undefined);
      assert.throws(
        () => store.updateExecution(executionRecord("a")),
        refused("not_found", "execution not found: a"),
      );
    });

    it("refuses an id that is taken, and keeps what is there", () => {
      insert("a", { cwd: "/first" });
      assert.throws(() => insert("a", { cwd: "/second" }), refused("already_exists", "a"));
      assert.equal(store.getExecution("a")?.cwd, "/first");
    });

    it("replaces one as a whole", () => {
      insert("a", { problem: "no room" });
      store.updateExecution(executionRecord("a", { state: "SUCCEEDED", outputBytes: 3 }));
      const record = store.getExecution("a");
      assert.deepEqual([record?.state, record?.outputBytes, record?.problem], ["SUCCEEDED", 3, undefined]);
      assert.deepEqual(list({ runningOnly: true }), []);
    });

    it("lists the newest first, by session and by whether they run", () => {
      insert("a", { startedAt: new Date(1) });
      insert("b", { startedAt: new Date(2), sessionId: "other" });
      insert("c", { startedAt: new Date(2), state: "LOST" });
      assert.deepEqual(list(), ["c", "b", "a"]);
      assert.deepEqual(list({ sessionId: "session" }), ["c", "a"]);
      assert.deepEqual(list({ runningOnly: true }), ["b", "a"]);
      assert.deepEqual(list({ sessionId: "session", runningOnly: true }), ["a"]);
    });

    it("goes through pages without a gap and without saying anything twice", () => {
      for (const [at, id] of ["a", "b", "c", "d", "e"].entries())
        insert(id, { startedAt: new Date(at >> 1) });
      const seen: string[] = [];
      let after = undefined as ReturnType<typeof store.listExecutions>["next"];
      do {
        const page = store.listExecutions({ runningOnly: false }, { size: 2, after });
        seen.push(...idsOf(page.executions));
        after = page.next;
      } while (after !== undefined);
      assert.deepEqual(seen, ["e", "d", "c", "b", "a"]);
    });

    it("knows what runs and what has ended, of whom", () => {
      insert("a", { startedAt: new Date(1) });
      insert("b", { startedAt: new Date(2), sessionId: "other" });
      insert("c", { startedAt: new Date(3), state: "FAILED" });
      insert("d", { startedAt: new Date(4), state: "TIMED_OUT" });
      assert.deepEqual(idsOf(store.runningExecutions()), ["b", "a"]);
      assert.deepEqual(
        ["session", "other", "none"].map((id) => store.countRunning(id)),
        [1, 1, 0],
      );
      assert.deepEqual(idsOf(store.endedExecutions("session")), ["d", "c"]);
      assert.deepEqual(store.sessionsWithExecutions().toSorted(), ["other", "session"]);
    });

    it("forgets what is deleted, twice as well as once", () => {
      insert("a");
      insert("b");
      store.deleteExecution("a");
      store.deleteExecution("a");
      assert.deepEqual([list(), store.executionIds()], [["b"], ["b"]]);
    });
  });
}
