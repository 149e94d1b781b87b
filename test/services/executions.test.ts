import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { TenkiError } from "../../src/domain/error.js";
import {
  type AttachExecutionRequestSchema,
  type Attached as Attachment,
  type AttachOpenSchema,
  type Execution,
  type ExecutionExit,
  ExecutionState,
  type StartExecutionRequestSchema,
} from "../../src/gen/tenki/engine/v1/execution_pb.js";
import { AsyncQueue } from "../../src/lib/async-queue.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { failureOf, ServiceBench } from "./service-bench.js";

type Frame = MessageInitShape<typeof AttachExecutionRequestSchema>;

// Without a network nothing else keeps the process alive while it waits.
const alive = setInterval(() => undefined, 1_000);
after(() => clearInterval(alive));

let bench: ServiceBench;
let dataDir: string;
let session: Awaited<ReturnType<ServiceBench["running"]>>;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "tenki-executions-"));
  bench = new ServiceBench({ dataDir });
  session = await bench.running();
});
afterEach(async () => {
  await bench.executions.close();
  rmSync(dataDir, { recursive: true });
});

const start = async (
  argv: string[],
  request: Omit<MessageInitShape<typeof StartExecutionRequestSchema>, "$typeName"> = {},
): Promise<Execution> => {
  const { execution } = await bench.executionCalls.startExecution({
    sessionId: session.id,
    argv,
    ...request,
  });
  assert.ok(execution);
  return execution;
};
const wait = async (executionId: string): Promise<Execution> => {
  const { execution } = await bench.executionCalls.waitExecution({ executionId });
  assert.ok(execution);
  return execution;
};

/** One caller who is attached, and reads all the time, as a connection does. */
class Attached {
  readonly frames = new AsyncQueue<Frame>(100);
  readonly #end: Promise<void>;
  #attached: Attachment | undefined;
  #exit: ExecutionExit | undefined;
  text = "";
  granted = 0;

  constructor(open: MessageInitShape<typeof AttachOpenSchema>) {
    this.send({ payload: { case: "open", value: open } });
    this.#end = this.#read();
    this.#end.catch(() => undefined); // told to who asks for the end
  }

  send(frame: Frame): void {
    void this.frames.push(frame);
  }

  type(text: string): void {
    this.send({ payload: { case: "stdin", value: Buffer.from(text) } });
  }

  async begin(): Promise<Attachment> {
    return this.#until(() => this.#attached);
  }

  async until(text: string): Promise<void> {
    await this.#until(() => this.text.includes(text) || undefined);
  }

  /** Undefined where it ended without one. */
  async exit(): Promise<ExecutionExit | undefined> {
    await this.#end;
    return this.#exit;
  }

  async #until<T>(probe: () => T | undefined): Promise<T> {
    const found = await Promise.race([waitUntil(probe, { timeoutMs: 10_000 }), this.#end]);
    const answer = found ?? probe();
    assert.ok(answer, `it did not come to that: ${this.text}`);
    return answer;
  }

  async #read(): Promise<void> {
    for await (const { payload } of bench.executionCalls.attachExecution(this.frames)) {
      if (payload.case === "attached") this.#attached = payload.value;
      else if (payload.case === "flow") this.granted += payload.value.stdinGrantBytes;
      else if (payload.case === "exit") this.#exit = payload.value;
      else this.text += Buffer.from(payload.value ?? []).toString();
    }
  }
}

describe("ExecutionService", () => {
  it("starts a command and answers as soon as it runs", async () => {
    const started = await start(["wait"], { cwd: "work", privileged: true, takesInput: true });
    assert.deepEqual(
      [
        started.sessionId,
        started.argv,
        started.cwd,
        started.privileged,
        started.terminal,
        started.takesInput,
      ],
      [session.id, ["wait"], "/home/tenki/work", true, false, true],
    );
    assert.deepEqual([started.state, started.exit, started.problem], [ExecutionState.RUNNING, undefined, ""]);
    assert.ok(started.startedAt);
    await bench.executionCalls.signalExecution({ executionId: started.id, signal: "USR2" });
    const ended = await wait(started.id.toUpperCase());
    assert.deepEqual([ended.state, ended.exit?.signal], [ExecutionState.FAILED, "USR2"]);
    assert.ok(ended.endedAt);
    assert.deepEqual((await bench.executionCalls.getExecution({ executionId: started.id })).execution, ended);
  });

  it("says what could not be started, and what ran out of time", async () => {
    const { state, exit } = await wait((await start(["nope"])).id);
    assert.deepEqual([state, exit?.exitCode, exit?.errno], [ExecutionState.FAILED, 127, 2]);
    assert.match(exit?.reason ?? "", /^spawn_failed: /);
    const late = await wait((await start(["wait"], { timeout: { seconds: 0n, nanos: 1_000_000 } })).id);
    assert.deepEqual([late.state, late.exit?.timedOut], [ExecutionState.TIMED_OUT, true]);
  });

  it("lists them", async () => {
    const ids = [(await start(["true"])).id];
    await wait(ids[0] ?? "");
    await bench.clock.advance(1);
    ids.unshift((await start(["wait"])).id);
    const list = async (request: object = {}) =>
      (await bench.executionCalls.listExecutions(request)).executions.map(({ id }) => id);
    assert.deepEqual(await list(), ids);
    assert.deepEqual(await list({ runningOnly: true, sessionId: session.id }), ids.slice(0, 1));
    assert.deepEqual(await list({ sessionId: randomUUID() }), []);
    const page = await bench.executionCalls.listExecutions({ pageSize: 1 });
    assert.deepEqual(await list({ pageSize: 1, pageToken: page.nextPageToken }), ids.slice(1));
  });

  it("holds a wait ahead of its caller's deadline", async () => {
    const { id } = await start(["wait"]);
    const { execution } = await bench.executionCalls.waitExecution({ executionId: id }, { timeoutMs: 200 });
    assert.equal(execution?.state, ExecutionState.RUNNING);
  });

  it("refuses what it does not know, and what is no request", async () => {
    const executionId = randomUUID();
    for (const call of [
      bench.executionCalls.getExecution({ executionId }),
      bench.executionCalls.waitExecution({ executionId }),
      bench.executionCalls.signalExecution({ executionId, signal: "TERM" }),
      new Attached({ executionId }).begin(),
      new Attached({ executionId, sessionId: session.id }).begin(),
    ]) {
      const { code, rawMessage } = await failureOf(call);
      assert.deepEqual([code, rawMessage], [Code.NotFound, `execution not found: ${executionId}`]);
    }
    const { id } = await start(["wait"]);
    for (const call of [
      bench.executionCalls.getExecution({ executionId: "x" }),
      start([]),
      start(["true"], { terminal: { columns: 0, rows: 1 } }),
      start(["true"], { timeout: { seconds: -1n, nanos: 0 } }),
      bench.executionCalls.signalExecution({ executionId: id, signal: "NOPE" }),
      bench.executionCalls.listExecutions({ pageToken: "x" }),
    ]) {
      assert.equal((await failureOf(call)).code, Code.InvalidArgument);
    }
    const unknownSession = await failureOf(start(["true"], { sessionId: randomUUID() }));
    assert.match(unknownSession.rawMessage, /^session not found/);
  });
});

describe("AttachExecution", () => {
  it("replays, follows, takes input, and ends with the exit", async () => {
    const { id } = await start(["cat"], { takesInput: true });
    const caller = new Attached({ executionId: id });
    const attached = await caller.begin();
    assert.ok(attached.pid > 0n && attached.stdinWindowBytes > 0);
    caller.type("one ");
    caller.type("two ");
    await caller.until("two ");
    const other = new Attached({ executionId: id, outputOffset: 4n });
    const second = await other.begin();
    assert.deepEqual([second.outputOffset, second.stdinReceived], [4n, 8n]);
    other.type("three");
    await caller.until("three");
    caller.send({ payload: { case: "stdinClose", value: {} } });
    assert.equal((await caller.exit())?.exitCode, 0);
    await other.exit();
    assert.deepEqual([caller.text, other.text], ["one two three", "two three"]);
    assert.deepEqual([caller.granted, other.granted], [8, 5]);
  });

  it("does not end the input with its requests", async () => {
    const { id } = await start(["cat"], { takesInput: true });
    const leaving = new Attached({ executionId: id });
    await leaving.begin();
    leaving.frames.end();
    const caller = new Attached({ executionId: id });
    await caller.begin();
    caller.type("still here");
    await leaving.until("still here");
    caller.send({ payload: { case: "signal", value: "KILL" } });
    await leaving.exit();
  });

  it("ends behind what there is where it does not follow", async () => {
    const { id } = await start(["echo", "0123456789"]);
    await wait(id);
    const look = new Attached({ executionId: id, tailBytes: 3n, noFollow: true });
    assert.equal((await look.begin()).outputOffset, 8n);
    assert.deepEqual([await look.exit(), look.text], [undefined, "89\n"]);
  });

  it("gives the terminal the size of whoever says so", async () => {
    const { id } = await start(["size"], { terminal: { columns: 1, rows: 1 } });
    const caller = new Attached({ executionId: id, terminal: { columns: 90, rows: 30 } });
    assert.equal((await caller.begin()).terminal, true);
    await caller.until("90x30\n");
    caller.send({ payload: { case: "resize", value: { columns: 91, rows: 31 } } });
    await caller.until("91x31\n");
  });

  it("refuses what is no frame for it, and leaves the command alone", async () => {
    const { id } = await start(["wait"]);
    const first = new AsyncQueue<Frame>(1);
    void first.push({ payload: { case: "signal", value: "KILL" } });
    const answers = bench.executionCalls.attachExecution(first)[Symbol.asyncIterator]();
    assert.equal((await failureOf(answers.next())).code, Code.InvalidArgument);
    for (const frame of [
      { payload: { case: "open", value: { executionId: id } } },
      { payload: { case: "signal", value: "NOPE" } },
    ] satisfies Frame[]) {
      const caller = new Attached({ executionId: id });
      await caller.begin();
      caller.send(frame);
      assert.equal((await failureOf(caller.exit())).code, Code.InvalidArgument);
    }
    const { execution } = await bench.executionCalls.getExecution({ executionId: id });
    assert.equal(execution?.state, ExecutionState.RUNNING);
  });
});

describe("an engine that stops", () => {
  it("cuts those who wait and look on at once, and not their commands", async () => {
    const { id } = await start(["wait"]);
    const caller = new Attached({ executionId: id });
    await caller.begin();
    const waiting = bench.executionCalls.waitExecution({ executionId: id });
    const executing = bench.sandbox.executeCommand({ sessionId: session.id, command: "wait" });
    const outputs = bench.sandbox.streamCommandOutput({ sessionId: session.id, executionId: id });
    const streaming = outputs[Symbol.asyncIterator]().next();
    const cut = Promise.all([caller.exit(), waiting, executing, streaming].map((call) => failureOf(call)));
    while (bench.executions.list({ runningOnly: true, pageSize: 0, pageToken: "" }).executions.length < 2) {
      await new Promise(setImmediate);
    }
    bench.stopping.abort(new TenkiError("unavailable", "the engine is stopping"));
    for (const { code, rawMessage } of await cut) {
      assert.deepEqual([code, rawMessage], [Code.Unavailable, "the engine is stopping"]);
    }
    const running = bench.executions.list({ runningOnly: true, pageSize: 0, pageToken: "" });
    assert.equal(running.executions.length, 2);
  });
});
