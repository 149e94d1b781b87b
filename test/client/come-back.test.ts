import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { waitUntil } from "../../src/lib/wait-until.js";
import {
  attached,
  attachedStdout,
  collect,
  exited,
  scriptedService,
  sessionId,
  started,
  stdout,
  up,
  type AttachPayload,
  type Script,
} from "./scripted-service.js";

const header = "x-tenki-execution";

/** As the service answers a `Run` that it keeps. */
const keep = ({ requestHeader, responseHeader }: HandlerContext): string => {
  const id = requestHeader.get(header) ?? "";
  responseHeader.set(header, id);
  return id;
};

const never = ({ signal }: HandlerContext) =>
  new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));

const attachedExit = (exitCode: number) => ({
  payload: { case: "exit" as const, value: { exitCode, reason: "exit" } },
});

type Attach = NonNullable<NonNullable<Script["executions"]>["attachExecution"]>;

const refusing = (message: string, code: Code): Attach =>
  async function* () {
    if (message !== "") throw new ConnectError(message, code);
    yield attached({});
  };

/** A service whose `Run` writes one piece and holds still, and that is come back to as a test says. */
const holding = (attachExecution: Attach | undefined) =>
  scriptedService({
    dataPlane: {
      run: async function* (_, context) {
        if (attachExecution !== undefined) keep(context);
        yield started();
        yield stdout("first ");
        await never(context);
      },
    },
    ...(attachExecution === undefined ? {} : { executions: { attachExecution } }),
  });

test("a command is come back to where its output broke off, and ends as if nothing had been", async () => {
  let id = "";
  const opened: AttachPayload[] = [];
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (_, context) {
        id = keep(context);
        yield started();
        yield stdout("first ");
        await never(context);
      },
    },
    executions: {
      attachExecution: async function* (messages, { requestHeader }) {
        assert.equal(requestHeader.get("authorization"), "Bearer tk_test");
        for await (const { payload } of messages) {
          opened.push(payload);
          break;
        }
        yield attached({ outputOffset: 6n });
        yield attachedStdout("second");
        yield attachedExit(3);
      },
    },
  });
  const states: string[] = [];
  const command = await service
    .client()
    .session(sessionId)
    .start(["make"], {
      resumable: true,
      onConnection: (state) => states.push(state),
    });
  const output = command.output[Symbol.asyncIterator]();
  assert.equal(Buffer.from((await output.next()).value?.data ?? []).toString(), "first ");
  service.dropConnections();
  assert.equal(Buffer.from((await output.next()).value?.data ?? []).toString(), "second");
  assert.equal((await output.next()).done, true);
  assert.equal((await command.exit).exitCode, 3);
  assert.deepEqual(states, ["lost", "back"]);
  const [open] = opened;
  assert.ok(open?.case === "open");
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  assert.deepEqual(
    [open.value.executionId, open.value.sessionId, open.value.outputOffset],
    [id, sessionId, 6n],
  );
});

test("input that the command has not received goes up again, once, and signals after it was lost", async () => {
  const again: string[] = [];
  let reached = "";
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (messages, context) {
        keep(context);
        yield started(10);
        for await (const payload of up(messages)) {
          if (payload.case !== "stdin") continue;
          reached += Buffer.from(payload.value).toString();
          if (reached === "0123456789") break;
          if (reached === "01234")
            yield { frame: { payload: { case: "flow", value: { stdinGrantBytes: 3 } } } };
        }
        yield stdout("full");
        await never(context);
      },
    },
    executions: {
      attachExecution: async function* (messages) {
        for await (const { payload } of messages) {
          if (payload.case === "open") {
            yield attached({ outputOffset: 4n, stdinReceived: 7n, stdinWindowBytes: 10 });
          } else {
            again.push(
              payload.case === "stdin" ? Buffer.from(payload.value).toString() : String(payload.case),
            );
          }
          if (payload.case === "stdinClose") break;
        }
        yield attachedExit(0);
      },
    },
  });
  let lost: () => void = () => undefined;
  const isLost = new Promise<void>((resolve) => (lost = resolve));
  const how = { resumable: true, stdin: true, onConnection: () => lost() };
  const command = await service.client().session(sessionId).start(["cat"], how);
  const output = command.output[Symbol.asyncIterator]();
  await command.writeStdin(Buffer.from("01234"));
  await command.writeStdin(Buffer.from("56789"));
  await output.next();
  service.dropConnections();
  await isLost;
  await Promise.all([command.writeStdin(Buffer.from("abc")), command.signal("USR1"), command.closeStdin()]);
  assert.equal((await output.next()).done, true);
  assert.equal((await command.exit).exitCode, 0);
  assert.equal(again.filter((each) => !["signal", "stdinClose"].includes(each)).join(""), "789abc");
  assert.deepEqual(again.slice(-1), ["stdinClose"]);
  assert.ok(again.includes("signal"));
});

test("the service is looked for until it is there again, where it is by then", async () => {
  await using elsewhere = await holding(async function* () {
    yield attached({ outputOffset: 6n });
    yield attachedExit(5);
  });
  await using service = await holding(refusing("stopping", Code.Unavailable));
  let asked = 0;
  const findEndpoint = () => Promise.resolve(++asked < 4 ? undefined : elsewhere.endpoint);
  const command = await service
    .client({ findEndpoint })
    .session(sessionId)
    .start(["make"], { resumable: true });
  const output = collect(command.output);
  service.dropConnections();
  await output;
  assert.equal((await command.exit).exitCode, 5);
  assert.equal(asked, 4);
});

test("a command whose start was not answered is looked for by its name", async () => {
  let id = "";
  let asked = "";
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (_, context) {
        id = keep(context);
        service.dropConnections();
        await never(context);
        yield started();
      },
    },
    executions: {
      attachExecution: async function* (messages) {
        for await (const { payload } of messages) {
          asked = payload.case === "open" ? payload.value.executionId : "";
          break;
        }
        yield attached({ pid: 8n });
        yield attachedStdout("all of it");
        yield attachedExit(0);
      },
    },
  });
  const command = await service.client().session(sessionId).start(["make"], { resumable: true });
  assert.deepEqual([command.pid, asked], [8, id]);
  const output = await collect(command.output);
  assert.equal(Buffer.concat(output.map(({ data }) => data)).toString(), "all of it");
});

test("a command whose start was lost, and that is not found, is the loss that it was", async () => {
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (_, context) {
        service.dropConnections();
        await never(context);
        yield started();
      },
    },
    executions: { attachExecution: refusing("execution not found", Code.NotFound) },
  });
  await assert.rejects(service.client().session(sessionId).start(["make"], { resumable: true }), {
    name: "ConnectionError",
    message: `the connection to ${service.endpoint} was lost`,
  });
});

test("a service that cannot hand the command back is said to be so", async () => {
  await using service = await holding(undefined);
  const command = await service.client().session(sessionId).start(["make"], { resumable: true });
  service.dropConnections();
  await assert.rejects(collect(command.output), {
    name: "ConnectionError",
    message: `the connection to ${service.endpoint} was lost while make ran, and this service cannot hand it back; whether it has ended is not known`,
  });
});

test("what the service says to who comes back is told, at once", async () => {
  await using service = await holding(refusing("execution not found", Code.NotFound));
  const command = await service.client().session(sessionId).start(["make"], { resumable: true });
  service.dropConnections();
  await assert.rejects(
    command.exit,
    /was lost while make ran, and it could not be come back to \(execution not found\); whether/,
  );
});

test("output that is not kept any more is a loss, and not left out in silence", async () => {
  await using service = await holding(async function* (_, context) {
    yield attached({ outputOffset: 60n });
    await never(context);
  });
  const command = await service.client().session(sessionId).start(["make"], { resumable: true });
  service.dropConnections();
  await assert.rejects(collect(command.output), { kind: "data_loss" });
});

test("an answer with an error is not come back from", async () => {
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (_, context) {
        keep(context);
        yield started();
        throw new ConnectError("session has terminated", Code.FailedPrecondition);
      },
    },
    executions: {},
  });
  const command = await service.client().session(sessionId).start(["make"], { resumable: true });
  await assert.rejects(command.exit, { name: "SessionTerminatedError" });
  assert.equal(service.count("AttachExecution"), 0);
});

test("letting go while a command is being come back to ends the wait", async () => {
  await using service = await holding(refusing("stopping", Code.Unavailable));
  const command = await service.client().session(sessionId).start(["make"], { resumable: true });
  service.dropConnections();
  assert.ok(
    await waitUntil(() => (service.count("AttachExecution") > 1 ? true : undefined), { timeoutMs: 5_000 }),
  );
  command.close();
  await assert.rejects(command.exit, { kind: "cancelled" });
});

test("a command is not named to the service unless it is to be come back to", async () => {
  let named: string | null = "";
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (_, { requestHeader }) {
        named = requestHeader.get(header);
        yield started();
        yield exited();
      },
    },
  });
  await (
    await service.client().session(sessionId).start(["true"])
  ).exit;
  assert.equal(named, null);
});
