import assert from "node:assert/strict";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { TenkiError } from "../../src/domain/error.js";
import type { OutputLogs } from "../../src/engine/core/ports/output-logs.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { executionRecord } from "../store/records.js";
import { ExecutionBench } from "./execution-bench.js";
import { settle } from "./fake-clock.js";
import { refused } from "./refused.js";
import { dayMs, hourMs } from "./workbench.js";

let bench: ExecutionBench;
beforeEach(async () => void (bench = await ExecutionBench.open()));
afterEach(() => bench.close());

const until = async (isSo: () => boolean) => {
  assert.ok(await waitUntil(() => isSo() || undefined, { timeoutMs: 10_000 }), "it did not come to that");
};

describe("an execution, when the engine stops and the next begins", () => {
  it("goes on, with every byte once, either way", async () => {
    const { id } = await bench.start(["cat"], { takesInput: true });
    const before = await bench.attach(id);
    before.type("one\n");
    await before.until("one\n");
    await bench.restart();
    assert.equal(bench.executions.get(id).state, "RUNNING");
    const after = await bench.attach(id);
    assert.equal(after.view.stdinReceived, 4);
    after.type("two\n");
    await after.until("two\n");
    after.view.closeStdin();
    assert.deepEqual([(await after.end())?.exitCode, after.text], [0, "one\ntwo\n"]);
    assert.equal((await bench.ended(id)).outputBytes, 8);
  });

  it("has ended if it did meanwhile, and says how", async () => {
    const { id } = await bench.start(["wait"]);
    await bench.executions.close();
    for (const process of bench.work.parts.runtime.sandboxes.get(bench.sessionId)?.processes ?? []) {
      process.signal("INT");
    }
    await bench.restart();
    const { state, exit } = await bench.ended(id);
    assert.deepEqual([state, exit?.signal], ["FAILED", "INT"]);
  });

  it("leaves who looks on without an exit, and the command alone", async () => {
    const { id } = await bench.start(["wait"]);
    await bench.restart();
    await until(() => bench.work.parts.steps.taken.includes("runtime.attach"));
    assert.equal(bench.executions.get(id).state, "RUNNING");
    bench.executions.signal(id, "TERM");
    await bench.ended(id);
  });

  it("is lost where its sandbox does not know it", async () => {
    bench.store.insertExecution(executionRecord("never-started", { sessionId: bench.sessionId }));
    await bench.restart();
    const { state, problem, endedAt } = await bench.ended("never-started");
    assert.deepEqual([state, problem], ["LOST", "the sandbox knows nothing of it any more"]);
    assert.deepEqual(endedAt, bench.work.clock.now());
    const seen = await bench.attach("never-started");
    await assert.rejects(seen.end(), refused("aborted", "the execution is lost"));
  });

  it("is lost where its session is over, and its output can be read still", async () => {
    const { id } = await bench.start(["cat"], { takesInput: true });
    const before = await bench.attach(id);
    before.type("kept");
    await before.until("kept");
    await bench.executions.close();
    await bench.work.sessions.terminate(bench.sessionId);
    await bench.restart();
    assert.deepEqual((await bench.ended(id)).state, "LOST");
    const after = await bench.attach(id);
    await assert.rejects(after.end(), refused("aborted", "state=TERMINATED"));
    assert.equal(after.text, "kept");
  });

  it("is come back to in the background: a sandbox that stands still does not hold up the start", async () => {
    const { id } = await bench.start(["wait"]);
    const held = bench.work.parts.steps.hold("runtime.attach");
    await bench.restart();
    await held.reached;
    assert.equal(bench.executions.get(id).state, "RUNNING");
    held.release();
    await until(() => !isOutOfReach(() => bench.executions.signal(id, "TERM")));
    assert.equal((await bench.ended(id)).exit?.signal, "TERM");
  });

  it("is tried again where its sandbox does not answer", async () => {
    const { id } = await bench.start(["wait"]);
    const error = new TenkiError("unavailable", "the sandbox does not answer");
    bench.work.parts.steps.fail("runtime.attach", { error, times: 3 });
    await bench.restart();
    for (let time = 0; time < 5; time += 1) {
      await settle();
      await bench.work.clock.advance(15_000);
    }
    bench.executions.signal(id, "TERM");
    assert.equal((await bench.ended(id)).exit?.signal, "TERM");
  });

  it("is lost where its output cannot be read any more", async () => {
    const { id } = await bench.start(["wait"]);
    await bench.executions.close();
    bench.logs = { ...failing(bench.logs, 0), open: () => Promise.reject(new Error("a broken disk")) };
    await bench.restart();
    assert.deepEqual(
      [bench.executions.get(id).state, bench.executions.get(id).problem],
      ["LOST", "a broken disk"],
    );
  });
});

/** True where the sandbox has not answered yet. */
function isOutOfReach(action: () => void): boolean {
  try {
    action();
    return false;
  } catch (error) {
    assert.ok(refused("unavailable", "does not answer")(error));
    return true;
  }
}

describe("an execution whose sandbox goes away", () => {
  it("is lost, with what it had said", async () => {
    const { id } = await bench.start(["cat"], { takesInput: true });
    const seen = await bench.attach(id);
    seen.type("said");
    await seen.until("said");
    bench.work.parts.runtime.die(bench.sessionId);
    const { state, problem, outputBytes } = await bench.ended(id);
    assert.deepEqual([state, outputBytes], ["LOST", 4]);
    assert.match(problem ?? "", /state=TERMINATED/);
    await assert.rejects(seen.end(), refused("aborted", "the execution is lost"));
    assert.equal(bench.work.sessions.get(bench.sessionId).state, "TERMINATED");
  });
});

/** Logs that cannot be written to `times` times. */
function failing(logs: OutputLogs, times: number): OutputLogs {
  let left = times;
  return {
    async open(sessionId, executionId) {
      const log = await logs.open(sessionId, executionId);
      const append = log.append.bind(log);
      log.append = (piece) => {
        left -= 1;
        if (left < 0) return append(piece);
        return Promise.reject(new TenkiError("resource_exhausted", "no space left to keep output"));
      };
      return log;
    },
    remove: (...key) => logs.remove(...key),
    sweep: (keep) => logs.sweep(keep),
  };
}

describe("an execution on a disk that is full", () => {
  it("says so, waits, and loses nothing", async () => {
    bench.logs = failing(bench.logs, 2);
    const { id } = await bench.start(["flood", "50"]);
    await until(() => bench.executions.get(id).problem !== undefined);
    assert.match(bench.executions.get(id).problem ?? "", /no space left/);
    await bench.work.clock.advance(1_000);
    await until(() => bench.work.clock.alarms > 0);
    assert.equal(bench.executions.get(id).state, "RUNNING");
    await bench.work.clock.advance(1_000);
    const { state, outputBytes, problem } = await bench.ended(id);
    assert.deepEqual([state, outputBytes, problem], ["SUCCEEDED", 50_000, undefined]);
  });

  it("leaves it to the next engine when this one stops", async () => {
    const logs = bench.logs;
    bench.logs = failing(logs, Infinity);
    const { id } = await bench.start(["flood", "20"]);
    await until(() => bench.executions.get(id).problem !== undefined);
    await bench.executions.close();
    bench.logs = logs;
    await bench.restart();
    const { state, outputBytes } = await bench.ended(id);
    assert.deepEqual([state, outputBytes], ["SUCCEEDED", 20_000]);
  });

  it("writes down the end as soon as that can be", async () => {
    const { store } = bench;
    const update = store.updateExecution.bind(store);
    let failures = 0;
    store.updateExecution = (record) => {
      failures += 1;
      if (failures === 1) throw new TenkiError("resource_exhausted", "no space left to write the record");
      update(record);
    };
    const { id } = await bench.start(["true"]);
    await until(() => failures === 1);
    assert.equal(bench.executions.get(id).state, "RUNNING");
    await until(() => bench.work.clock.alarms > 0);
    await bench.work.clock.advance(1_000);
    assert.equal((await bench.ended(id)).state, "SUCCEEDED");
  });
});

describe("executions that have ended", () => {
  const logsOf = (sessionId: string) => {
    const directory = join(bench.dataDir, "executions", sessionId);
    return existsSync(directory) ? readdirSync(directory) : [];
  };
  const insertEnded = (count: number, outputBytes = 0) => {
    for (let at = 0; at < count; at += 1) {
      bench.store.insertExecution(
        executionRecord(`old-${at}`, {
          ...{ sessionId: bench.sessionId, state: "SUCCEEDED", outputBytes, startedAt: new Date(at) },
        }),
      );
    }
  };

  it("are remembered up to a hundred of a session, the newest", async () => {
    insertEnded(100);
    const { id } = await bench.start(["echo", "x"]);
    await bench.ended(id);
    await until(() => bench.store.executionIds().length === 100);
    assert.ok(bench.store.getExecution(id));
    assert.equal(bench.store.getExecution("old-0"), undefined);
    assert.ok(bench.store.getExecution("old-1"));
  });

  it("keep a gibibyte of output together, and the newest whatever it comes to", async () => {
    insertEnded(3, 2 ** 29);
    const { id } = await bench.start(["echo", "x"]);
    await bench.ended(id);
    await until(() => bench.store.executionIds().length === 2);
    assert.deepEqual(bench.store.executionIds().toSorted(), [id, "old-2"].toSorted());
  });

  it("outlast their session by a day", async () => {
    const { id } = await bench.start(["echo", "x"]);
    await bench.ended(id);
    assert.deepEqual(logsOf(bench.sessionId), [id]);
    await bench.executions.recover();
    await bench.work.sessions.terminate(bench.sessionId);
    await bench.work.clock.advance(dayMs - hourMs);
    assert.ok(bench.store.getExecution(id));
    await bench.work.clock.advance(3 * hourMs);
    await until(() => bench.store.executionIds().length === 0 && logsOf(bench.sessionId).length === 0);
  });

  it("leave no output behind that belongs to none of them", async () => {
    const log = await bench.logs.open("gone", "gone");
    await log.append({ kind: "stdout", data: Buffer.from("x") });
    await log.close();
    const { id } = await bench.start(["wait"]);
    await bench.restart();
    assert.deepEqual([logsOf("gone"), logsOf(bench.sessionId)], [[], [id]]);
    bench.executions.signal(id, "KILL");
    await bench.ended(id);
    rmSync(join(bench.dataDir, "executions"), { recursive: true });
  });
});
