import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
} from "node:http2";
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { create, toBinary } from "@bufbuild/protobuf";
import { SandboxSessionDataPlaneServiceRunRequestSchema } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { TenkiError } from "../../src/domain/error.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { ServiceBench } from "../services/service-bench.js";
import { openServer } from "./test-server.js";

let bench: ServiceBench;
let server: Awaited<ReturnType<typeof openServer>>;
let sessionId: string;
let id: string;
const toClose: (() => unknown)[] = [];

beforeEach(async () => {
  bench = new ServiceBench();
  ({ id: sessionId } = await bench.running());
  id = randomUUID();
  server = await openServer({
    dataPlane: { run: (requests, context) => bench.dataPlaneMethods.run(requests, context) },
  });
});
afterEach(async () => {
  for (const close of toClose.splice(0)) close();
  bench.parts.runtime.die(sessionId);
  await server.stop();
});

const commands = () => bench.parts.runtime.sandboxes.get(sessionId)?.processes.size ?? 0;
const ended = () => waitUntil(() => (commands() === 0 ? true : undefined), { timeoutMs: 5_000 });
/** The server knows that the call is over. */
const logged = () =>
  waitUntil(() => server.lines.find(({ message }) => message === "request"), { timeoutMs: 5_000 });
const attach = () =>
  bench.parts.runtime.attach(sessionId, id, { outputOffset: 0 }, new AbortController().signal);

/** The command goes on, and can be come back to. */
async function assertKept(): Promise<void> {
  assert.equal((await logged())?.fields["code"], "unavailable");
  assert.equal(commands(), 1);
  const process = await attach();
  process.signal("INT");
  for await (const event of process.events) {
    if (event.kind === "exit") assert.equal(event.exit.signal, "INT");
  }
}

async function assertEnded(code: string): Promise<void> {
  assert.equal((await logged())?.fields["code"], code);
  assert.ok(await ended(), "it still runs");
  await assert.rejects(attach());
}

/** A call of `Run` that runs `wait`. */
async function run(url: string, header: object = { "x-tenki-execution": id }) {
  const session = connectHttp2(url);
  session.on("error", () => undefined);
  toClose.push(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": "/tenki.sandbox.v1.SandboxSessionDataPlaneService/Run",
    "content-type": "application/grpc+proto",
    te: "trailers",
    "x-tenki-session-cert": `cert:${sessionId}`,
    ...header,
  });
  stream.on("error", () => undefined);
  stream.write(startFrame());
  const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
  assert.equal(commands(), 1);
  return { session, stream, headers };
}

function startFrame(): Buffer {
  const schema = SandboxSessionDataPlaneServiceRunRequestSchema;
  const value = { sessionId, cmd: ["wait"], streamStdin: true };
  const message = toBinary(schema, create(schema, { frame: { payload: { case: "start", value } } }));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Something between a caller and the server that can be cut. */
async function openProxy(): Promise<{ readonly url: string; cut(how: (socket: Socket) => void): void }> {
  const upstream: Socket[] = [];
  const proxy: Server = createServer((caller) => {
    const socket = connectTcp(Number(new URL(server.url).port), "127.0.0.1");
    upstream.push(socket);
    for (const end of [caller, socket]) end.on("error", () => undefined);
    caller.pipe(socket, { end: false }).pipe(caller);
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  toClose.push(() => proxy.close());
  const { port } = proxy.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, cut: (how) => upstream.forEach(how) };
}

describe("a command of Run that is kept", () => {
  it("says so by the header that asked for it", async () => {
    const { headers } = await run(server.url, { "x-tenki-execution": id.toUpperCase() });
    assert.equal(headers["x-tenki-execution"], id);
  });

  it("goes on when its caller is killed", async () => {
    const caller = await startCaller(`x-tenki-execution=${id}`);
    caller.kill("SIGKILL");
    await assertKept();
  });

  for (const [name, cut] of [
    ["reset", (socket: Socket) => socket.resetAndDestroy()],
    ["closed", (socket: Socket) => socket.destroy()],
  ] as const) {
    it(`goes on when its connection is ${name}`, async () => {
      const proxy = await openProxy();
      await run(proxy.url);
      proxy.cut(cut);
      await assertKept();
    });
  }

  it("goes on when its caller closes the connection without a word about the call", async () => {
    const { session } = await run(server.url);
    session.destroy();
    await assertKept();
  });

  const cancellations: readonly (readonly [
    string,
    (stream: ClientHttp2Stream, session: ClientHttp2Session) => void,
  ])[] = [
    ["cancels the call", (stream) => stream.close(constants.NGHTTP2_CANCEL)],
    ["resets it with no error code", (stream) => stream.close(constants.NGHTTP2_NO_ERROR)],
    [
      "cancels it and is gone",
      (stream, session) => {
        stream.close(constants.NGHTTP2_CANCEL, () => session.destroy());
      },
    ],
  ];
  for (const [name, cancel] of cancellations) {
    it(`ends when its caller ${name}`, async () => {
      const { stream, session } = await run(server.url);
      cancel(stream, session);
      await assertEnded("canceled");
    });
  }

  it("ends at its caller's deadline", async () => {
    await run(server.url, { "x-tenki-execution": id, "grpc-timeout": "300m" });
    await assertEnded("deadline_exceeded");
  });

  it("goes on when the engine stops, which does not wait for it", async () => {
    const { stream } = await run(server.url);
    stream.resume();
    const trailers = once(stream, "trailers") as Promise<[Record<string, unknown>]>;
    bench.stopping.abort(new TenkiError("unavailable", "the engine is stopping"));
    assert.deepEqual((await trailers)[0]["grpc-status"], "14");
    await assertKept();
  });

  it("is refused under what is no UUID", async () => {
    const session = connectHttp2(server.url);
    toClose.push(() => session.destroy());
    const stream = session.request({
      ":method": "POST",
      ":path": "/tenki.sandbox.v1.SandboxSessionDataPlaneService/Run",
      "content-type": "application/grpc+proto",
      "x-tenki-session-cert": `cert:${sessionId}`,
      "x-tenki-execution": "../../etc",
    });
    stream.on("error", () => undefined);
    stream.end(startFrame());
    stream.resume();
    const [trailers] = (await once(stream, "trailers")) as [Record<string, unknown>];
    assert.deepEqual([trailers["grpc-status"], commands()], ["3", 0]);
  });
});

describe("a command of Run that is not kept", () => {
  it("ends when its caller is killed", async () => {
    const caller = await startCaller();
    caller.kill("SIGKILL");
    await assertEnded("unavailable");
  });

  it("ends when its connection is cut", async () => {
    const proxy = await openProxy();
    await run(proxy.url, {});
    proxy.cut((socket) => socket.destroy());
    await assertEnded("unavailable");
  });
});

/** A process of its own, once its command runs. */
async function startCaller(...headers: readonly string[]): Promise<ChildProcess> {
  const script = fileURLToPath(new URL("./run-caller.js", import.meta.url));
  const caller = spawn(process.execPath, [script, server.url, sessionId, ...headers], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  toClose.push(() => caller.kill("SIGKILL"));
  await once(caller.stdout, "data");
  assert.equal(commands(), 1);
  return caller;
}
