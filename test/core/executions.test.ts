import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { executionRecord } from "../store/records.js";
import { ExecutionBench } from "./execution-bench.js";
import { settle } from "./fake-clock.js";
import { refused } from "./refused.js";
import { minuteMs } from "./workbench.js";

let bench: ExecutionBench;
beforeEach(async () => void (bench = await ExecutionBench.open()));
afterEach(() => bench.close());

describe("an execution", () => {
  it("is recorded before it is started, without its environment", async () => {
    const held = bench.work.parts.steps.hold("runtime.spawn");
    const starting = bench.start(["echo", "hello"], { env: { TOKEN: "s3cret" }, cwd: "work" });
    await held.reached;
    const [recorded] = bench.store.runningExecutions();
    assert.deepEqual(
      [recorded?.argv, recorded?.cwd, recorded?.state],
      [["echo", "hello"], "/home/tenki/work", "RUNNING"],
    );
    assert.doesNotMatch(JSON.stringify(recorded), /s3cret/);
    held.release();
    const { id } = await starting;
    const ended = await bench.ended(id);
    assert.deepEqual([ended.state, ended.exit?.exitCode, ended.outputBytes], ["SUCCEEDED", 0, 6]);
    assert.deepEqual(bench.store.getExecution(id), ended);
    assert.doesNotMatch(JSON.stringify(bench.store.getExecution(id)), /s3cret/);
  });

  it("runs as it was asked for, kept for as long as its sandbox", async () => {
    const { id } = await bench.start(["env"], { env: { MINE: "1" }, privileged: true });
    const seen = await bench.attach(id);
    await seen.end();
    assert.match(seen.text, /^FROM=session$/m);
    assert.match(seen.text, /^MINE=1$/m);
    assert.match(seen.text, /^HOME=\/root$/m);
    const [command] = bench.work.parts.runtime.sandboxes.get(bench.sessionId)?.commands ?? [];
    assert.deepEqual(command?.kept, { id, lingerMs: 0 });
  });

  it("gets a terminal of the size that was asked for, and takes input then", async () => {
    const { id, takesInput } = await bench.start(["cat"], {
      terminal: true,
      terminalSize: { columns: 7, rows: 3 },
    });
    const [command] = bench.work.parts.runtime.sandboxes.get(bench.sessionId)?.commands ?? [];
    assert.deepEqual([command?.terminal, takesInput], [{ columns: 7, rows: 3 }, true]);
    bench.executions.signal(id, "TERM");
    await bench.ended(id);
  });

  it("says what became of it", async () => {
    const outcome = async (argv: string[], request: Parameters<ExecutionBench["start"]>[1] = {}) => {
      const { state, exit } = await bench.ended((await bench.start(argv, request)).id);
      return [state, exit?.exitCode, exit?.signal];
    };
    assert.deepEqual(await outcome(["true"]), ["SUCCEEDED", 0, undefined]);
    assert.deepEqual(await outcome(["fail", "why", "3"]), ["FAILED", 3, undefined]);
    assert.deepEqual(await outcome(["nope"]), ["FAILED", 127, undefined]);
    assert.deepEqual(await outcome(["wait"], { timeoutMs: 1 }), ["TIMED_OUT", 137, "KILL"]);
  });

  it("can be signalled while it runs, by names that there are", async () => {
    const { id } = await bench.start(["wait"]);
    assert.throws(() => bench.executions.signal(id, "NOPE"), refused("invalid_argument", "no such signal"));
    bench.executions.signal(id, "USR1");
    assert.equal((await bench.ended(id)).exit?.signal, "USR1");
    assert.throws(
      () => bench.executions.signal(id, "TERM"),
      refused("failed_precondition", "execution has ended (state=FAILED)"),
    );
  });

  it("is ended when it is hung up on", async () => {
    const { id } = await bench.start(["wait"]);
    bench.executions.hangUp(id);
    const { state, exit } = await bench.ended(id);
    assert.deepEqual([state, exit?.exitCode, exit?.signal], ["FAILED", 129, "HUP"]);
    bench.executions.hangUp(id);
    assert.equal(bench.executions.get(id).state, "FAILED");
  });

  it("is unknown under another id, in words of its own", async () => {
    const unknown = refused("not_found", "execution not found: 123");
    assert.throws(() => bench.executions.get("123"), unknown);
    assert.throws(() => bench.executions.signal("123", "TERM"), unknown);
    await assert.rejects(bench.executions.wait("123", AbortSignal.abort()), unknown);
    await assert.rejects(bench.attach("123"), unknown);
  });

  it("is not begun where it cannot be", async () => {
    await assert.rejects(bench.start([]), refused("invalid_argument", "needs a program"));
    await assert.rejects(bench.start(["a\0b"]), refused("invalid_argument", "NUL"));
    await bench.work.sessions.pause(bench.sessionId);
    await assert.rejects(bench.start(["true"]), refused("failed_precondition", "state=PAUSED"));
    await bench.work.sessions.terminate(bench.sessionId);
    await assert.rejects(bench.start(["true"]), refused("failed_precondition", "terminated"));
    assert.deepEqual(bench.store.executionIds(), []);
  });

  it("is lost where its sandbox does not answer, and says so to who started it", async () => {
    bench.work.parts.steps.fail("runtime.spawn", { error: new Error("no answer") });
    await assert.rejects(bench.start(["true"]), /no answer/);
    const [execution] = bench.executions.list({ runningOnly: false, pageSize: 0, pageToken: "" }).executions;
    assert.deepEqual([execution?.state, execution?.problem], ["LOST", "no answer"]);
  });

  it("is one of a bounded number", async () => {
    for (let at = 0; at < 999; at += 1) {
      bench.store.insertExecution(executionRecord(String(at), { sessionId: bench.sessionId }));
    }
    const { id } = await bench.start(["wait"]);
    await assert.rejects(bench.start(["true"]), refused("resource_exhausted", "quota reached: 1000"));
    bench.executions.signal(id, "KILL");
    await bench.ended(id);
    await bench.ended((await bench.start(["true"])).id);
  });

  it("makes its session busy until it ends", async () => {
    const reaper = bench.work.reaper();
    await reaper.tick();
    const { id: sessionId } = await bench.work.createRunning({ idleTimeoutMinutes: 1 });
    bench.sessionId = sessionId;
    const { id } = await bench.start(["wait"]);
    await bench.work.clock.advance(5 * minuteMs);
    assert.equal(bench.work.sessions.get(sessionId).state, "RUNNING");
    bench.executions.signal(id, "TERM");
    await bench.ended(id);
    await bench.work.clock.advance(5 * minuteMs);
    await bench.work.until(sessionId, "PAUSED");
    reaper.stop();
  });

  it("is waited for until it has ended, or its caller has no more time", async () => {
    const { id } = await bench.start(["wait"]);
    const patience = new AbortController();
    const waiting = bench.executions.wait(id, patience.signal);
    await settle();
    patience.abort();
    assert.equal((await waiting).state, "RUNNING");
    const longer = bench.ended(id);
    bench.executions.signal(id, "TERM");
    assert.equal((await longer).state, "FAILED");
    assert.equal((await bench.executions.wait(id, new AbortController().signal)).state, "FAILED");
  });
});

describe("a list of executions", () => {
  const list = (request: Partial<Parameters<typeof bench.executions.list>[0]> = {}) =>
    bench.executions.list({ runningOnly: false, pageSize: 0, pageToken: "", ...request });

  it("has the newest first, as they are now, in pages", async () => {
    const ids: string[] = [];
    for (const argv of [["echo", "one"], ["wait"], ["true"]]) {
      ids.unshift((await bench.start(argv)).id);
      await bench.work.clock.advance(1);
    }
    const [last, middle, first] = ids;
    await bench.ended(first ?? "");
    await bench.ended(last ?? "");
    assert.deepEqual(
      list().executions.map(({ id, state, outputBytes }) => [id, state, outputBytes]),
      [
        [last, "SUCCEEDED", 0],
        [middle, "RUNNING", 0],
        [first, "SUCCEEDED", 4],
      ],
    );
    assert.deepEqual(
      list({ runningOnly: true }).executions.map(({ id }) => id),
      [middle],
    );
    assert.deepEqual(list({ sessionId: "other" }).executions, []);
    const page = list({ pageSize: 2 });
    const rest = list({ pageSize: 2, pageToken: page.nextPageToken });
    assert.deepEqual(
      [...page.executions, ...rest.executions].map(({ id }) => id),
      ids,
    );
    assert.equal(rest.nextPageToken, "");
    assert.throws(() => list({ pageToken: "x" }), refused("invalid_argument", "page_token"));
  });
});
