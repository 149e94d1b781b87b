import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from "node:http2";
import { after, before, describe, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  SandboxSessionDataPlaneServiceRunRequestSchema,
  SandboxSessionDataPlaneServiceWriteFileStreamRequestSchema,
  WriteFileStreamRequestSchema,
} from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { ServiceBench } from "../services/service-bench.js";
import { openServer } from "./test-server.js";

const chunk = Buffer.alloc(64 << 10);

/** What a client sees on the wire itself, and what one can do to a server that no library would. */
describe("streams on the wire", () => {
  let server: Awaited<ReturnType<typeof openServer>>;
  let session: ClientHttp2Session;
  let produced = 0;
  let aborted = 0;
  const bench = new ServiceBench();
  let sessionId: string;
  before(async () => {
    ({ id: sessionId } = await bench.running());
    server = await openServer({
      dataPlane: {
        async *run(requests, { signal }) {
          signal.addEventListener("abort", () => (aborted += 1));
          await requests[Symbol.asyncIterator]().next();
          try {
            for (;;) {
              signal.throwIfAborted();
              produced += chunk.length;
              yield { frame: { payload: { case: "stdout", value: chunk } } };
            }
          } finally {
            produced = 0;
          }
        },
        writeFileStream: (requests) => bench.dataPlaneMethods.writeFileStream(requests),
      },
    });
    session = connectHttp2(server.url, { maxSessionMemory: 1_000 });
    await once(session, "connect");
  });
  after(async () => {
    session.destroy();
    await server.stop();
  });

  const call = (method: string, headers: object = {}): ClientHttp2Stream => {
    const stream = session.request({
      ":method": "POST",
      ":path": `/tenki.sandbox.v1.SandboxSessionDataPlaneService/${method}`,
      "content-type": "application/grpc+proto",
      te: "trailers",
      "x-tenki-session-cert": `cert:${sessionId}`,
      ...headers,
    });
    stream.on("error", () => undefined);
    return stream;
  };
  const trailersOf = async (stream: ClientHttp2Stream): Promise<Record<string, unknown>> => {
    stream.resume();
    const [trailers] = (await once(stream, "trailers")) as [Record<string, unknown>];
    return trailers;
  };
  const startCommand = () =>
    envelope(
      toBinary(
        SandboxSessionDataPlaneServiceRunRequestSchema,
        create(SandboxSessionDataPlaneServiceRunRequestSchema, {
          frame: { payload: { case: "start", value: { sessionId, cmd: ["yes"] } } },
        }),
      ),
    );
  const fileFrame = (
    payload: NonNullable<Parameters<typeof create<typeof WriteFileStreamRequestSchema>>[1]>,
  ) =>
    envelope(
      toBinary(
        SandboxSessionDataPlaneServiceWriteFileStreamRequestSchema,
        create(SandboxSessionDataPlaneServiceWriteFileStreamRequestSchema, { frame: payload }),
      ),
    );
  const startFile = () =>
    fileFrame({ payload: { case: "start", value: { sessionId, path: "f", truncate: true } } });
  const data = () => fileFrame({ payload: { case: "data", value: chunk } });

  it("are produced no faster than they are read", async () => {
    const stream = call("Run");
    stream.write(startCommand());
    await once(stream, "response");
    stream.pause();
    // It stops by itself: what is under way at that point is bounded by the windows and the server's own buffer.
    let last = -1;
    const stopped = await waitUntil(
      () => {
        if (produced === last && produced > 0) return produced;
        last = produced;
        return undefined;
      },
      { timeoutMs: 10_000, intervalMs: 50 },
    );
    assert.ok(stopped !== undefined && stopped < 8 << 20, `${stopped} bytes`);
    let seen = 0;
    stream.on("data", (piece: Buffer) => (seen += piece.length)).resume();
    assert.ok(
      await waitUntil(() => (seen > 32 << 20 ? true : undefined), { timeoutMs: 10_000 }),
      "it goes on",
    );
    stream.close(8);
    assert.ok(
      await waitUntil(() => (produced === 0 ? true : undefined), { timeoutMs: 5_000 }),
      "it was let go",
    );
  });

  it("that are reset with no error code end what they had begun, too", async () => {
    aborted = 0;
    const stream = call("Run");
    stream.write(startCommand());
    await once(stream, "response");
    stream.close(0);
    assert.ok(await waitUntil(() => (aborted > 0 ? true : undefined), { timeoutMs: 5_000 }));
  });

  it("that break off in the middle do not pass for whole", async () => {
    const { files } = bench.parts.runtime.sandboxes.get(sessionId) ?? assert.fail("no sandbox");
    const content = () => files.entries.get("/home/tenki/f")?.content?.toString();
    const whole = call("WriteFileStream");
    whole.write(startFile());
    whole.end(fileFrame({ payload: { case: "data", value: Buffer.from("whole") } }));
    assert.equal((await trailersOf(whole))["grpc-status"], "0");
    assert.equal(content(), "whole");
    // Node's client ends its side first, and resets the stream then.
    for (const code of [0, 8, 2]) {
      const before = server.lines.length;
      const stream = call("WriteFileStream");
      stream.write(startFile());
      stream.write(data());
      await waitUntil(() => (stream.pending || stream.writableLength > 0 ? undefined : true), {
        timeoutMs: 5_000,
      });
      stream.close(code);
      const logged = await waitUntil(
        () => server.lines.slice(before).find(({ message }) => message === "request"),
        {
          timeoutMs: 5_000,
        },
      );
      assert.equal(logged?.fields["code"], "canceled", `code ${code}`);
      assert.equal(content(), "whole", `code ${code}`);
    }
  });

  it("that end within a message are refused", async () => {
    const stream = call("WriteFileStream");
    stream.write(startFile());
    stream.end(data().subarray(0, 1_000));
    const trailers = await trailersOf(stream);
    assert.equal(trailers["grpc-status"], "3");
    assert.match(decodeURIComponent(String(trailers["grpc-message"])), /ended within a message/);
  });

  it("with a message that is too large are refused by its head alone", async () => {
    const stream = call("WriteFileStream");
    stream.write(startFile());
    stream.write(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]));
    const trailers = await trailersOf(stream);
    assert.equal(trailers["grpc-status"], "8");
    stream.close();
  });

  it("with what is no message at all are refused", async () => {
    const stream = call("WriteFileStream");
    stream.end(envelope(Buffer.from([0xff, 0xff, 0xff])));
    assert.notEqual((await trailersOf(stream))["grpc-status"], "0");
    const compressed = call("WriteFileStream");
    compressed.end(Buffer.from([1, 0, 0, 0, 1, 0]));
    assert.notEqual((await trailersOf(compressed))["grpc-status"], "0");
  });

  it("keep to the caller's deadline", async () => {
    const stream = call("Run", { "grpc-timeout": "100m" });
    stream.write(startCommand());
    const trailers = await trailersOf(stream);
    assert.equal(trailers["grpc-status"], "4");
    const nonsense = call("Run", { "grpc-timeout": "soon" });
    nonsense.end();
    assert.equal((await trailersOf(nonsense))["grpc-status"], "3");
  });

  it("many at once share a connection", async () => {
    const streams = Array.from({ length: 1_000 }, () => call("WriteFileStream"));
    for (const stream of streams) stream.write(startFile());
    for (const stream of streams) stream.end(data());
    const statuses = await Promise.all(
      streams.map(async (stream) => (await trailersOf(stream))["grpc-status"]),
    );
    assert.deepEqual(new Set(statuses), new Set(["0"]));
  });
});

function envelope(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
