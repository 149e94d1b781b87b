import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { type CommandExecution, CommandStatus } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { failureOf, ServiceBench } from "./service-bench.js";

// Without a network nothing else keeps the process alive while it waits.
const alive = setInterval(() => undefined, 1_000);
after(() => clearInterval(alive));

let bench: ServiceBench;
let dataDir: string;
let sessionId: string;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "tenki-executions-"));
  bench = new ServiceBench({ dataDir });
  ({ id: sessionId } = await bench.running({ env: { FROM: "session", BOTH: "session" } }));
});
afterEach(async () => {
  await bench.executions.close();
  rmSync(dataDir, { recursive: true });
});

const execute = async (request: object): Promise<CommandExecution> => {
  const { execution } = await bench.sandbox.executeCommand({ sessionId, command: "true", ...request });
  assert.ok(execution);
  return execution;
};

/** What is streamed: both outputs, and the last message. */
async function streamed(executionId: string, of: string = sessionId) {
  const text = { stdout: "", stderr: "" };
  const finals = [];
  for await (const message of bench.sandbox.streamCommandOutput({ sessionId: of, executionId })) {
    assert.equal(message.executionId, executionId);
    assert.equal(finals.length, 0, "nothing follows the final message");
    if (message.isFinal) finals.push(message);
    else text[message.isStderr ? "stderr" : "stdout"] += Buffer.from(message.data).toString();
  }
  return { ...text, final: finals[0] };
}

describe("ExecuteCommand", () => {
  it("runs to the end and says how that was", async () => {
    const done = await execute({ command: "echo", args: ["a", "b c"] });
    assert.deepEqual(
      [done.sessionId, done.command, done.args, done.status, done.exitCode],
      [sessionId, "echo", ["a", "b c"], CommandStatus.SUCCEEDED, 0],
    );
    assert.ok(done.durationMs > 0n && done.startedAt && done.endedAt);
    const failed = await execute({ command: "fail", args: ["why", "5"] });
    assert.deepEqual([failed.status, failed.exitCode], [CommandStatus.FAILED, 5]);
    const missing = await execute({ command: "no such program" });
    assert.deepEqual([missing.status, missing.exitCode], [CommandStatus.FAILED, 127]);
    const late = await execute({ command: "wait", timeout: { seconds: 0n, nanos: 1_000_000 } });
    assert.equal(late.status, CommandStatus.TIMED_OUT);
  });

  it("puts the session's environment under the request's", async () => {
    const { id } = await execute({ command: "env", env: { BOTH: "request" } });
    const { stdout } = await streamed(id);
    assert.match(stdout, /^FROM=session$/m);
    assert.match(stdout, /^BOTH=request$/m);
  });

  it("answers at once where the output is to be streamed, which is there from the beginning", async () => {
    const { id, status } = await execute({
      command: "fail",
      args: ["late is fine", "3"],
      streamOutput: true,
    });
    assert.equal(status, CommandStatus.RUNNING);
    for (let time = 0; time < 2; time += 1) {
      const { stdout, stderr, final } = await streamed(id);
      assert.deepEqual([stdout, stderr, final?.exitCode, final?.timedOut], ["", "late is fine\n", 3, false]);
    }
  });

  it("follows a command that has yet to say something", async () => {
    const { id } = await execute({
      command: "wait",
      streamOutput: true,
      timeout: { seconds: 0n, nanos: 50_000_000 },
    });
    const { final } = await streamed(id);
    assert.deepEqual([final?.timedOut, final?.exitCode], [true, 137]);
  });

  it("knows only what there is, and only in its own session", async () => {
    const { id } = await execute({});
    const { id: other } = await bench.running();
    for (const [execution, session] of [
      [randomUUID(), sessionId],
      [id, other],
    ] as const) {
      const { code, rawMessage } = await failureOf(streamed(execution, session));
      assert.deepEqual([code, rawMessage], [Code.NotFound, `execution not found: ${execution}`]);
    }
    const unknown = await failureOf(execute({ sessionId: randomUUID() }));
    assert.deepEqual([unknown.code, unknown.rawMessage.split(":")[0]], [Code.NotFound, "session not found"]);
    await bench.sandbox.pauseSession({ sessionId });
    const paused = await failureOf(execute({}));
    assert.equal(paused.code, Code.FailedPrecondition);
    assert.match(paused.rawMessage, /state=PAUSED/);
    assert.equal((await failureOf(streamed("not an id"))).code, Code.InvalidArgument);
    assert.equal((await failureOf(execute({ command: "" }))).code, Code.InvalidArgument);
  });

  it("ends its command when the caller goes away", async () => {
    const caller = new AbortController();
    const request = { sessionId, command: "wait" };
    const calling = failureOf(bench.sandbox.executeCommand(request, { signal: caller.signal }));
    const processes = () => bench.parts.runtime.sandboxes.get(sessionId)?.processes.size ?? 0;
    await waitUntil(() => (processes() === 1 ? true : undefined), { timeoutMs: 5_000 });
    caller.abort();
    assert.equal((await calling).code, Code.Canceled);
    await waitUntil(() => (processes() === 0 ? true : undefined), { timeoutMs: 5_000 });
    assert.equal(processes(), 0);
  });

  it("leaves its command alone when who streams goes away", async () => {
    const { id } = await execute({ command: "wait", streamOutput: true });
    const caller = new AbortController();
    const request = { sessionId, executionId: id };
    const answers = bench.sandbox.streamCommandOutput(request, { signal: caller.signal });
    const streaming = failureOf(answers[Symbol.asyncIterator]().next());
    await new Promise(setImmediate);
    caller.abort();
    assert.equal((await streaming).code, Code.Canceled);
    assert.equal(bench.executions.get(id).state, "RUNNING");
  });
});
