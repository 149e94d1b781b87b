import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import type { RunRequest } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { holdTime } from "./passing-time.js";
import {
  collect,
  down,
  exited,
  scriptedService,
  sessionId,
  started,
  stderr,
  stdout,
  up,
} from "./scripted-service.js";

const soon = { timeoutMs: 5_000 };

test("a command's outputs come apart, in order, byte for byte, and its exit after them", async () => {
  const blob = Uint8Array.from({ length: 256 }, (_, i) => i);
  await using service = await scriptedService({
    dataPlane: {
      run: async function* () {
        yield started(0, 41n);
        yield stdout("out");
        yield stderr("err");
        yield stdout(blob);
        yield exited({ exitCode: 7, durationMs: 1234n });
      },
    },
  });
  const command = await service.client().session(sessionId).start(["sh", "-c", "…"]);
  assert.equal(command.pid, 41);
  const output = await collect(command.output);
  assert.deepEqual(
    output.map(({ kind, data }) => [kind, Buffer.from(data)]),
    [
      ["stdout", Buffer.from("out")],
      ["stderr", Buffer.from("err")],
      ["stdout", Buffer.from(blob)],
    ],
  );
  assert.deepEqual(await command.exit, {
    ...{
      exitCode: 7,
      signal: undefined,
      timedOut: false,
      durationMs: 1234,
      reason: "exit",
      errno: undefined,
    },
  });
});

test("the start says everything that was asked for", async () => {
  let start: RunRequest["payload"] | undefined;
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (messages) {
        for await (const payload of up(messages)) {
          start = payload;
          break;
        }
        yield started();
        yield exited();
      },
    },
  });
  const command = await service
    .client()
    .session(sessionId)
    .start(["vi", "a b"], {
      cwd: "src",
      env: { A: "1" },
      privileged: true,
      terminal: { columns: 120, rows: 40 },
      timeoutMs: 5_000,
      stdin: true,
    });
  await command.exit;
  assert.equal(start?.case, "start");
  const { sessionId: id, cmd, cwd, env, pty, streamStdin, timeoutMs, privileged } = start.value;
  assert.deepEqual(
    { id, cmd, cwd, env: { ...env }, pty, streamStdin, timeoutMs, privileged },
    {
      ...{ id: sessionId, cmd: ["vi", "a b"], cwd: "src", env: { A: "1", COLUMNS: "120", LINES: "40" } },
      ...{ pty: true, streamStdin: true, timeoutMs: 5_000, privileged: true },
    },
  );
});

test("a command that cannot be started has ended when it is there", async () => {
  await using service = await scriptedService({
    dataPlane: {
      run: async function* () {
        yield exited({ reason: "spawn_failed: no such file or directory", errno: 2, exitCode: 127 });
      },
    },
  });
  const command = await service.client().session(sessionId).start(["nope"], { stdin: true });
  assert.equal(command.pid, 0);
  assert.deepEqual(await collect(command.output), []);
  const exit = await command.exit;
  assert.equal(exit.reason, "spawn_failed: no such file or directory");
  assert.equal(exit.errno, 2);
  await assert.rejects(command.writeStdin(Buffer.from("x")), { name: "StreamClosedError" });
});

test("reasons that are about the sandbox rather than the command are errors", async () => {
  let reason = "";
  await using service = await scriptedService({
    dataPlane: {
      run: async function* () {
        yield exited({ reason });
      },
    },
  });
  const session = service.client().session(sessionId);
  reason = "capability_unavailable: run";
  await assert.rejects(session.start(["true"]), {
    name: "CapabilityUnavailableError",
    kind: "unimplemented",
  });
  reason = "first_frame_timeout";
  await assert.rejects(session.start(["true"]), { kind: "deadline_exceeded" });
});

test("never more stdin is under way than the sandbox has room for", async () => {
  const windowBytes = 1_000;
  const total = 50_000;
  let received = 0;
  let unread = 0;
  let most = 0;
  let closed = false;
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (messages) {
        yield started(windowBytes);
        for await (const payload of up(messages)) {
          if (payload.case === "stdinClose") {
            closed = true;
            break;
          }
          if (payload.case !== "stdin") continue;
          received += payload.value.length;
          unread += payload.value.length;
          most = Math.max(most, unread);
          if (unread < windowBytes) continue;
          unread -= 700;
          yield down({ case: "flow", value: { stdinGrantBytes: 700 } });
        }
        yield exited();
      },
    },
  });
  const command = await service.client().session(sessionId).start(["cat"], { stdin: true });
  await command.writeStdin(new Uint8Array(total));
  await command.closeStdin();
  await command.exit;
  assert.equal(received, total);
  assert.equal(closed, true);
  assert.ok(most <= windowBytes, `${most} bytes were under way`);
});

test("stdin waits for a grant, and a signal overtakes it", async () => {
  const seen: (string | undefined)[] = [];
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (messages) {
        yield started(4);
        for await (const payload of up(messages)) {
          seen.push(payload.case);
          if (payload.case === "signal") {
            yield exited({ signal: "INT", reason: "signaled" });
            return;
          }
        }
      },
    },
  });
  const command = await service.client().session(sessionId).start(["cat"], { stdin: true });
  const writing = command.writeStdin(Buffer.from("12345678"));
  await waitUntil(() => (seen.includes("stdin") ? true : undefined), soon);
  await command.signal("INT");
  assert.equal((await command.exit).signal, "INT");
  await assert.rejects(writing, { name: "StreamClosedError" });
  assert.deepEqual(seen, ["start", "stdin", "signal"]);
});

test("writes that begin at once arrive one after another", async () => {
  let text = "";
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (messages) {
        yield started(8);
        for await (const payload of up(messages)) {
          if (payload.case === "stdinClose") break;
          if (payload.case !== "stdin") continue;
          text += Buffer.from(payload.value).toString();
          yield down({ case: "flow", value: { stdinGrantBytes: payload.value.length } });
        }
        yield exited();
      },
    },
  });
  const command = await service.client().session(sessionId).start(["cat"], { stdin: true });
  const words = Array.from({ length: 30 }, (_, i) => `word ${i};`);
  await Promise.all([...words.map((word) => command.writeStdin(Buffer.from(word))), command.closeStdin()]);
  await command.exit;
  assert.equal(text, words.join(""));
});

test("a command that was started without stdin takes none", async () => {
  await using service = await scriptedService({
    dataPlane: {
      run: async function* () {
        yield started();
        yield exited();
      },
    },
  });
  const command = await service.client().session(sessionId).start(["true"]);
  await assert.rejects(command.writeStdin(Buffer.from("x")), { kind: "invalid_argument" });
  await command.exit;
});

test("a reader that is slow holds the service back", async () => {
  const piece = new Uint8Array(64 * 1024);
  const pieces = 1_000;
  let sent = 0;
  await using service = await scriptedService({
    dataPlane: {
      run: async function* () {
        yield started();
        for (; sent < pieces; sent++) yield stdout(piece);
        yield exited();
      },
    },
  });
  const command = await service.client().session(sessionId).start(["yes"]);
  const reader = command.output[Symbol.asyncIterator]();
  await reader.next();
  const ahead = await settled(() => sent);
  // The stream's window, what a socket holds on both sides, and the queue; not the 64 MB that there are.
  assert.ok(ahead * piece.length < 16 << 20, `${ahead} pieces were sent ahead`);
  let read = 1;
  while (!(await reader.next()).done) read++;
  assert.equal(read, pieces);
  assert.equal((await command.exit).exitCode, 0);
});

test("an output that nobody reads does not keep stdin from being taken", async () => {
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (messages) {
        yield started(10);
        for await (const payload of up(messages)) {
          if (payload.case === "stdinClose") break;
          if (payload.case === "stdin")
            yield down({ case: "flow", value: { stdinGrantBytes: payload.value.length } });
        }
        yield stdout("done");
        yield exited();
      },
    },
  });
  const command = await service.client().session(sessionId).start(["wc"], { stdin: true });
  await command.writeStdin(new Uint8Array(1_000));
  await command.closeStdin();
  assert.equal((await collect(command.output)).length, 1);
});

test("close lets go of the command", async () => {
  let gone = false;
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (_messages, { signal }) {
        signal.addEventListener("abort", () => (gone = true));
        yield started();
        yield stdout("x");
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    },
  });
  const command = await service.client().session(sessionId).start(["sleep", "60"]);
  command.close();
  await assert.rejects(command.exit, { kind: "cancelled", message: "sleep was let go of" });
  await assert.rejects(collect(command.output), { kind: "cancelled" });
  assert.equal(await waitUntil(() => gone || undefined, soon), true);
});

test("an aborted signal lets go of the command, even while its output waits for a reader", async () => {
  const controller = new AbortController();
  let gone = false;
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (_messages, { signal }) {
        signal.addEventListener("abort", () => (gone = true));
        yield started();
        while (!signal.aborted) yield stdout(new Uint8Array(1_024));
      },
    },
  });
  const { signal } = controller;
  const command = await service.client().session(sessionId).start(["yes"], { signal });
  controller.abort();
  await assert.rejects(command.exit, { kind: "cancelled" });
  assert.equal(await waitUntil(() => gone || undefined, soon), true);
});

test("a signal that is aborted before the start starts nothing", async () => {
  await using service = await scriptedService({});
  const starting = service.client().session(sessionId).start(["true"], { signal: AbortSignal.abort() });
  await assert.rejects(starting, { kind: "cancelled" });
  assert.equal(service.count("Run"), 0);
});

test("a connection that breaks leaves the command's fate open, and says so", async () => {
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (_messages, { signal }) {
        yield started();
        yield stdout("half");
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    },
  });
  const command = await service.client().session(sessionId).start(["make"]);
  const reader = command.output[Symbol.asyncIterator]();
  assert.equal(Buffer.from((await reader.next()).value?.data ?? []).toString(), "half");
  service.dropConnections();
  const fate = {
    kind: "unavailable",
    message: `the connection to ${service.endpoint} was lost while make ran; whether it has ended is not known`,
  };
  await assert.rejects(async () => await reader.next(), fate);
  await assert.rejects(command.exit, fate);
  assert.equal(service.count("Run"), 1);
});

test("a stream that ends without an exit is no success", async () => {
  await using service = await scriptedService({
    dataPlane: {
      run: async function* () {
        yield started();
        yield stdout("half");
      },
    },
  });
  const command = await service.client().session(sessionId).start(["make"]);
  await assert.rejects(collect(command.output), {
    kind: "unavailable",
    message: /whether it has ended is not known/,
  });
  await assert.rejects(command.exit, { kind: "unavailable" });
});

test("an error of the service half-way is the command's error", async () => {
  await using service = await scriptedService({
    dataPlane: {
      run: async function* () {
        yield started();
        throw new ConnectError("session is terminated", Code.FailedPrecondition);
      },
    },
  });
  const command = await service.client().session(sessionId).start(["make"]);
  await assert.rejects(command.exit, { name: "SessionTerminatedError" });
});

test("an exit counts once, and nothing after it", async () => {
  await using service = await scriptedService({
    dataPlane: {
      run: async function* () {
        yield started();
        yield exited({ exitCode: 1 });
        yield stdout("late");
        yield exited({ exitCode: 2 });
      },
    },
  });
  const command = await service.client().session(sessionId).start(["make"]);
  assert.deepEqual(await collect(command.output), []);
  assert.equal((await command.exit).exitCode, 1);
});

test("a sandbox that does not answer the start is given up", async (t) => {
  const pass = holdTime(t);
  let asked: () => void = () => undefined;
  const isAsked = new Promise<void>((resolve) => (asked = resolve));
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (_messages, { signal }) {
        asked();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        yield started();
      },
    },
  });
  const start = service.client({ timeoutMs: 200 }).session(sessionId).start(["make"]);
  const refused = assert.rejects(start, {
    kind: "deadline_exceeded",
    message: `no answer from ${service.endpoint} to the start of make within 200ms`,
  });
  await isAsked;
  pass(200);
  await refused;
});

test("a command outlives the bound of the calls", async (t) => {
  const pass = holdTime(t);
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  await using service = await scriptedService({
    dataPlane: {
      run: async function* () {
        yield started();
        await ended;
        yield exited();
      },
    },
  });
  const command = await service.client({ timeoutMs: 100 }).session(sessionId).start(["make"]);
  pass(300);
  end();
  assert.equal((await command.exit).exitCode, 0);
});

/** The value once it has not changed for a while. */
async function settled(value: () => number): Promise<number> {
  let [last, since] = [value(), Date.now()];
  await waitUntil(
    () => {
      if (value() !== last) [last, since] = [value(), Date.now()];
      return Date.now() - since > 300 ? true : undefined;
    },
    { timeoutMs: 10_000 },
  );
  return last;
}
