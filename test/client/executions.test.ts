import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { ExecutionState } from "../../src/gen/tenki/engine/v1/execution_pb.js";
import { CommandStatus } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import {
  attached,
  attachedStdout,
  collect,
  executionId,
  scriptedService,
  sessionId,
  timestamp,
  type AttachPayload,
} from "./scripted-service.js";

const wire = (more: object = {}) => ({
  ...{ id: executionId, sessionId, argv: ["make", "all"], state: ExecutionState.RUNNING },
  ...{ startedAt: timestamp(1_000_000), outputBytes: 12n, keptFrom: 5n },
  ...more,
});

test("a start says everything that was asked for, and what was started", async () => {
  let asked: object = {};
  await using service = await scriptedService({
    executions: {
      startExecution({ sessionId, argv, cwd, env, privileged, takesInput, terminal, timeout }) {
        const more = { columns: terminal?.columns, rows: terminal?.rows, seconds: timeout?.seconds };
        asked = { sessionId, argv, cwd, env: { ...env }, privileged, takesInput, ...more };
        return { execution: wire({ takesInput: true, terminal: true }) };
      },
    },
  });
  const execution = await service
    .client()
    .session(sessionId)
    .executions.start(["make", "all"], {
      ...{ cwd: "src", env: { A: "1" }, privileged: true, stdin: true, timeoutMs: 90_000 },
      terminal: { columns: 100, rows: 30 },
    });
  assert.deepEqual(asked, {
    ...{ sessionId, argv: ["make", "all"], cwd: "src", env: { A: "1" }, privileged: true, takesInput: true },
    ...{ columns: 100, rows: 30, seconds: 90n },
  });
  assert.deepEqual(execution, {
    ...{ id: executionId, sessionId, argv: ["make", "all"], cwd: "", privileged: false },
    ...{ terminal: true, takesInput: true, state: "RUNNING", exit: undefined },
    ...{ startedAt: new Date(1_000_000), endedAt: undefined, outputBytes: 12, keptFrom: 5 },
    problem: undefined,
  });
});

test("a list is all its pages", async () => {
  const asked: unknown[] = [];
  await using service = await scriptedService({
    executions: {
      listExecutions({ sessionId, runningOnly, pageToken }) {
        asked.push([sessionId, runningOnly, pageToken]);
        return { executions: [wire()], nextPageToken: pageToken === "" ? "two" : "" };
      },
    },
  });
  const client = service.client();
  assert.equal((await client.session(sessionId).executions.list({ runningOnly: true })).length, 2);
  assert.deepEqual(asked, [
    [sessionId, true, ""],
    [sessionId, true, "two"],
  ]);
  await client.executions.list();
  assert.deepEqual(asked[2], ["", false, ""]);
});

test("a wait goes on over held calls until the command has ended, also over a service that restarts", async () => {
  let calls = 0;
  await using service = await scriptedService({
    executions: {
      waitExecution() {
        calls += 1;
        if (calls > 1 && calls < 8) throw new ConnectError("stopping", Code.Unavailable);
        const exit = { exitCode: 3, reason: "exit", durationMs: 1_500n };
        return { execution: calls < 9 ? wire() : wire({ state: ExecutionState.FAILED, exit }) };
      },
    },
  });
  const { state, exit } = await service.client().executions.wait(executionId);
  assert.deepEqual([state, exit?.exitCode, exit?.durationMs], ["FAILED", 3, 1_500]);
  assert.equal(calls, 9);
});

test("a wait ends at its bound, and when it is told to", async () => {
  await using service = await scriptedService({
    executions: {
      waitExecution: async (_, { signal }) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        return { execution: wire() };
      },
    },
  });
  const { executions } = service.client();
  await assert.rejects(executions.wait(executionId, { timeoutMs: 100 }), {
    kind: "deadline_exceeded",
    message: `execution ${executionId} has not ended after 100ms`,
  });
  const stop = new AbortController();
  const waiting = executions.wait(executionId, { signal: stop.signal });
  stop.abort();
  await assert.rejects(waiting, { kind: "cancelled" });
});

test("an execution that is not there is an error of its own, and a service without executions says so", async () => {
  await using service = await scriptedService({
    executions: {
      signalExecution({ signal }) {
        throw new ConnectError(`execution not found (for ${signal})`, Code.NotFound);
      },
    },
  });
  const { executions } = service.client();
  await assert.rejects(executions.signal(executionId, "TERM"), {
    name: "ExecutionNotFoundError",
    message: "execution not found (for TERM)",
  });
  await assert.rejects(executions.get(executionId), {
    ...{ name: "CapabilityUnavailableError", kind: "unimplemented" },
    message: `the service at ${service.endpoint} cannot keep commands: it does not offer executions`,
  });
  await using contractOnly = await scriptedService({});
  for (const call of ["get", "attach", "wait", "readKept"] as const) {
    await assert.rejects(
      contractOnly.client().executions[call](executionId),
      /does not offer executions/,
      call,
    );
  }
});

test("whoever attaches gets the output from where it is kept, and talks to the command", async () => {
  const came: AttachPayload[] = [];
  await using service = await scriptedService({
    executions: {
      attachExecution: async function* (messages) {
        for await (const { payload } of messages) {
          came.push(payload);
          if (payload.case === "open") {
            yield attached({ outputOffset: 5n, stdinWindowBytes: 4, terminal: true, pid: 9n });
            yield attachedStdout("kept");
          }
          if (payload.case === "stdin") yield { payload: { case: "flow", value: { stdinGrantBytes: 4 } } };
          if (payload.case === "stdinClose") break;
        }
        yield { payload: { case: "stderr", value: Buffer.from("end") } };
        yield { payload: { case: "exit", value: { exitCode: 4, reason: "exit" } } };
      },
    },
  });
  const terminal = { columns: 80, rows: 24 };
  const command = await service.client().executions.attach(executionId, { tailBytes: 100, terminal });
  assert.deepEqual(
    [command.pid, command.outputOffset, command.hasTerminal, command.takesInput],
    [9, 5, true, true],
  );
  const output = collect(command.output);
  await command.writeStdin(Buffer.from("eight by"));
  await command.resize({ columns: 90, rows: 30 });
  await command.signal("USR1");
  await command.closeStdin();
  assert.deepEqual(
    (await output).map(({ kind, data }) => `${kind} ${Buffer.from(data).toString()}`),
    ["stdout kept", "stderr end"],
  );
  assert.equal((await command.exit).exitCode, 4);
  const [open, ...rest] = came;
  assert.ok(open?.case === "open");
  assert.deepEqual(
    [open.value.executionId, open.value.tailBytes, open.value.terminal?.rows],
    [executionId, 100n, 24],
  );
  assert.deepEqual(
    rest.map(({ case: name, value }) => (value instanceof Uint8Array ? Buffer.from(value).toString() : name)),
    ["eigh", "t by", "resize", "signal", "stdinClose"],
  );
});

test("what is kept is read to its present end", async () => {
  await using service = await scriptedService({
    executions: {
      attachExecution: async function* (messages) {
        for await (const { payload } of messages) {
          assert.ok(payload.case === "open" && payload.value.noFollow);
          break;
        }
        yield attached({ outputOffset: 7n });
        yield attachedStdout("so far");
      },
    },
  });
  const kept = await service.client().executions.readKept(executionId);
  assert.equal(kept.outputOffset, 7);
  assert.equal(Buffer.concat((await collect(kept)).map(({ data }) => data)).toString(), "so far");
  assert.equal(kept.exit, undefined);
});

test("the contract's own call starts a command that is followed by its id", async () => {
  await using service = await scriptedService({
    sandbox: {
      executeCommand({ command, args, env, streamOutput }) {
        assert.deepEqual([command, args, env, streamOutput], ["echo", ["a"], { A: "1" }, true]);
        return { execution: { id: executionId, sessionId, command, args, status: CommandStatus.RUNNING } };
      },
      streamCommandOutput: async function* () {
        yield { data: Buffer.from("out") };
        yield { data: Buffer.from("err"), isStderr: true };
        yield { isFinal: true, exitCode: 6, durationMs: 20n };
      },
    },
  });
  const { executions } = service.client().session(sessionId);
  const { id, argv } = await executions.startStreamed("echo", { args: ["a"], env: { A: "1" } });
  assert.deepEqual([id, argv], [executionId, ["echo", "a"]]);
  const pieces = await collect(executions.output(id));
  assert.deepEqual(
    pieces.map(({ data, isStderr, exit }) => [Buffer.from(data).toString(), isStderr, exit?.exitCode]),
    [
      ["out", false, undefined],
      ["err", true, undefined],
      ["", false, 6],
    ],
  );
});

test("letting go of an attachment ends the call, and nothing else", async () => {
  let left = false;
  await using service = await scriptedService({
    executions: {
      attachExecution: async function* (_, { signal }) {
        signal.addEventListener("abort", () => (left = true), { once: true });
        yield attached({});
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      },
    },
  });
  const command = await service.client().executions.attach(executionId);
  command.close();
  await assert.rejects(command.exit, { kind: "cancelled" });
  assert.ok(await waitUntil(() => left || undefined, { timeoutMs: 5_000 }));
  assert.equal(service.count("SignalExecution"), 0);
});
