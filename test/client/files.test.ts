import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { waitUntil } from "../../src/lib/wait-until.js";
import { collect, scriptedService, sessionId, type Script } from "./scripted-service.js";

const soon = { timeoutMs: 5_000 };

/** Keeps what is written, by path. */
function keeping(files: Map<string, Buffer>, starts: object[] = []): Script {
  return {
    dataPlane: {
      writeFile: ({ request }) => {
        files.set(request?.path ?? "", Buffer.from(request?.content ?? []));
        return { response: { path: request?.path ?? "", sizeBytes: 0n } };
      },
      writeFileStream: async (messages) => {
        const chunks: Uint8Array[] = [];
        let path = "";
        for await (const { frame } of messages) {
          if (frame?.payload.case === "data") chunks.push(frame.payload.value);
          if (frame?.payload.case !== "start") continue;
          const { path: target, mode, truncate, sync } = frame.payload.value;
          path = target;
          starts.push({ mode, truncate, sync });
        }
        files.set(path, Buffer.concat(chunks));
        return { response: { path, bytesWritten: BigInt(files.get(path)?.length ?? 0) } };
      },
    },
  };
}

test("a small file goes in one message, a large one in a stream", async () => {
  const files = new Map<string, Buffer>();
  await using service = await scriptedService(keeping(files));
  const session = service.client().session(sessionId);
  await session.writeFile("small", "hello");
  assert.deepEqual([service.count("WriteFile"), service.count("WriteFileStream")], [1, 0]);
  const large = Buffer.alloc(3 << 20, "abc");
  await session.writeFile("large", large);
  assert.deepEqual([service.count("WriteFile"), service.count("WriteFileStream")], [1, 1]);
  assert.equal(files.get("small")?.toString(), "hello");
  assert.ok(files.get("large")?.equals(large));
});

test("a mode, an append or a sync goes with the stream, whatever the size", async () => {
  const starts: object[] = [];
  await using service = await scriptedService(keeping(new Map(), starts));
  const session = service.client().session(sessionId);
  await session.writeFile("a", "x", { mode: 0o755 });
  await session.writeFile("a", "x", { truncate: false });
  await session.writeFile("a", "x", { sync: true });
  assert.deepEqual(starts, [
    { mode: 0o755, truncate: true, sync: false },
    { mode: 0, truncate: false, sync: false },
    { mode: 0, truncate: true, sync: true },
  ]);
});

test("a file is written from any source, in messages of a bounded size", async () => {
  let largest = 0;
  const hash = createHash("sha256");
  await using service = await scriptedService({
    dataPlane: {
      writeFileStream: async (messages) => {
        let bytes = 0;
        for await (const { frame } of messages) {
          if (frame?.payload.case !== "data") continue;
          largest = Math.max(largest, frame.payload.value.length);
          bytes += frame.payload.value.length;
          hash.update(frame.payload.value);
        }
        return { response: { bytesWritten: BigInt(bytes) } };
      },
    },
  });
  const content = Buffer.alloc(9_000_000, "0123456789");
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(content.subarray(0, 5_000_000));
      controller.enqueue(content.subarray(5_000_000));
      controller.close();
    },
  });
  assert.equal(await service.client().session(sessionId).writeFileStream("x", source), content.length);
  assert.ok(largest <= 256 * 1024);
  assert.equal(hash.digest("hex"), createHash("sha256").update(content).digest("hex"));
});

test("a source is not read faster than the sandbox takes it", async () => {
  let pulled = 0;
  let go: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (go = resolve));
  await using service = await scriptedService({
    dataPlane: {
      writeFileStream: async (messages) => {
        await released;
        let bytes = 0;
        for await (const { frame } of messages) {
          if (frame?.payload.case === "data") bytes += frame.payload.value.length;
        }
        return { response: { bytesWritten: BigInt(bytes) } };
      },
    },
  });
  const chunks = 1_000;
  async function* source() {
    for (; pulled < chunks; pulled++) yield new Uint8Array(64 * 1024);
  }
  const writing = service.client().session(sessionId).writeFileStream("x", source());
  let [last, since] = [-1, 0];
  await waitUntil(() => {
    if (pulled !== last) [last, since] = [pulled, Date.now()];
    return Date.now() - since > 200 ? true : undefined;
  }, soon);
  assert.ok(pulled < 200, `${pulled} chunks were read ahead`);
  go();
  assert.equal(await writing, chunks * 64 * 1024);
});

test("a source that fails leaves the file alone, and its error is the error", async () => {
  let ended = "";
  await using service = await scriptedService({
    dataPlane: {
      writeFileStream: async (messages) => {
        try {
          await collect(messages);
          ended = "in order";
        } catch {
          ended = "broken off";
        }
        return { response: { bytesWritten: 1n } };
      },
    },
  });
  async function* source() {
    yield Buffer.from("x");
    throw new Error("disk on fire");
  }
  await assert.rejects(service.client().session(sessionId).writeFileStream("x", source()), {
    message: "disk on fire",
  });
  await waitUntil(() => ended || undefined, soon);
  assert.equal(ended, "broken off");
});

test("a write that is cancelled, or whose client closes, is broken off and not ended", async () => {
  const ends: string[] = [];
  await using service = await scriptedService({
    dataPlane: {
      writeFileStream: async (messages) => {
        await collect(messages).then(
          () => ends.push("in order"),
          () => ends.push("broken off"),
        );
        return { response: { bytesWritten: 1n } };
      },
    },
  });
  async function* source() {
    yield Buffer.from("x");
    await new Promise(() => undefined);
  }
  const controller = new AbortController();
  const { signal } = controller;
  const cancelled = service.client().session(sessionId).writeFileStream("x", source(), { signal });
  await waitUntil(() => (service.count("WriteFileStream") === 1 ? true : undefined), soon);
  controller.abort();
  await assert.rejects(cancelled, { kind: "cancelled" });
  const client = service.client();
  const closed = client.session(sessionId).writeFileStream("x", source());
  closed.catch(() => undefined);
  await waitUntil(() => (service.count("WriteFileStream") === 2 ? true : undefined), soon);
  client.close();
  await assert.rejects(closed, { kind: "cancelled", message: "the client was closed" });
  await waitUntil(() => (ends.length === 2 ? true : undefined), soon);
  assert.deepEqual(ends, ["broken off", "broken off"]);
});

test("a write that the sandbox refuses lets go of its source", async () => {
  let released = false;
  await using service = await scriptedService({
    dataPlane: {
      writeFileStream: () => {
        throw new ConnectError("outside /home/tenki", Code.PermissionDenied);
      },
    },
  });
  async function* source() {
    try {
      for (;;) yield Buffer.from("x");
    } finally {
      released = true;
    }
  }
  await assert.rejects(service.client().session(sessionId).writeFileStream("/etc/x", source()), {
    name: "PermissionDeniedError",
  });
  assert.equal(released, true);
});

test("fewer bytes written than were sent is an error", async () => {
  await using service = await scriptedService({
    dataPlane: {
      writeFileStream: async (messages) => {
        await collect(messages);
        return { response: { bytesWritten: 2n } };
      },
    },
  });
  await assert.rejects(
    service
      .client()
      .session(sessionId)
      .writeFileStream("x", [Buffer.from("abc")]),
    {
      kind: "data_loss",
      message: "x: 2 bytes were written of 3",
    },
  );
});

test("a file is read in pieces, with its size known at once", async () => {
  let request: object = {};
  await using service = await scriptedService({
    dataPlane: {
      readFileStream: async function* (message) {
        const { path, offset, length, chunkBytes } = message.request ?? {};
        request = { path, offset, length, chunkBytes };
        yield { response: { data: Buffer.from("hello "), totalSize: 11n } };
        yield { response: {} };
        yield { response: { data: Buffer.from("world"), totalSize: 11n, eof: true } };
      },
    },
  });
  const session = service.client().session(sessionId);
  const stream = await session.readFileStream("x", { offset: 3, length: 11n, chunkBytes: 6 });
  assert.equal(stream.totalSize, 11);
  assert.deepEqual((await collect(stream)).map(String), ["104,101,108,108,111,32", "119,111,114,108,100"]);
  assert.deepEqual(request, { path: "x", offset: 3n, length: 11n, chunkBytes: 6 });
  assert.equal(Buffer.from(await session.readFile("x")).toString(), "hello world");
});

test("an empty file is read as nothing", async () => {
  await using service = await scriptedService({ dataPlane: { readFileStream: async function* () {} } });
  assert.equal((await service.client().session(sessionId).readFile("x")).length, 0);
});

test("a file that is not there is an error of the call", async () => {
  await using service = await scriptedService({
    dataPlane: {
      readFileStream: () => {
        throw new ConnectError("/home/tenki/x: no such file or directory", Code.NotFound);
      },
    },
  });
  const session = service.client().session(sessionId);
  await assert.rejects(session.readFileStream("x"), { name: "FileNotFoundError", kind: "not_found" });
  await assert.rejects(session.readFile("x"), { name: "FileNotFoundError" });
});

test("a reader that stops lets the sandbox stop", async () => {
  let stopped = false;
  let sent = 0;
  await using service = await scriptedService({
    dataPlane: {
      readFileStream: async function* (_, { signal }) {
        signal.addEventListener("abort", () => (stopped = true));
        for (; sent < 5_000 && !signal.aborted; sent++)
          yield { response: { data: new Uint8Array(64 * 1024) } };
      },
    },
  });
  for await (const _ of await service.client().session(sessionId).readFileStream("x")) break;
  assert.equal(await waitUntil(() => stopped || undefined, soon), true);
  assert.ok(sent < 1_000, `${sent} pieces were sent`);
});

test("a file that breaks off is not taken for a whole one", async () => {
  await using service = await scriptedService({
    dataPlane: {
      readFileStream: async function* (_, { signal }) {
        yield { response: { data: Buffer.from("half"), totalSize: 8n } };
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    },
  });
  const stream = await service.client().session(sessionId).readFileStream("x");
  const reading = collect(stream);
  service.dropConnections();
  await assert.rejects(reading, { kind: "unavailable" });
});

test("stat, list, mkdir and remove", async () => {
  const requests: object[] = [];
  const note = (request: object) =>
    requests.push(Object.fromEntries(Object.entries(request).filter(([key]) => key !== "$typeName")));
  await using service = await scriptedService({
    dataPlane: {
      stat: ({ request }) => ({
        response:
          request?.path === "gone"
            ? {}
            : {
                ...{ exists: true, size: 5n, mode: 0o100644, modifiedUnixNs: 17n },
                isSymlink: true,
                symlinkTarget: "b",
              },
      }),
      list: ({ request }) => {
        if (request !== undefined) note(request);
        return {
          response: {
            entries: [
              { name: "d", isDir: true, mode: 0o40755 },
              { name: "l", mode: 0o120777, size: 3n, modifiedUnixNs: 9n },
            ],
          },
        };
      },
      mkdir: ({ request }) => {
        if (request !== undefined) note(request);
        return { response: {} };
      },
      remove: ({ request }) => {
        if (request !== undefined) note(request);
        return { response: { removed: true, entriesRemoved: 4n } };
      },
    },
  });
  const session = service.client().session(sessionId);
  assert.equal(await session.stat("gone"), undefined);
  assert.deepEqual(await session.stat("a"), {
    ...{
      path: "a",
      size: 5,
      mode: 0o644,
      isDirectory: false,
      isSymlink: true,
      symlinkTarget: "b",
      modifiedUnixNs: 17n,
    },
  });
  assert.deepEqual(await session.list("src", { includeHidden: true }), [
    { path: "src/d", size: 0, mode: 0o755, isDirectory: true, isSymlink: false, modifiedUnixNs: 0n },
    { path: "src/l", size: 3, mode: 0o777, isDirectory: false, isSymlink: true, modifiedUnixNs: 9n },
  ]);
  await session.mkdir("a/b");
  await session.mkdir("c", { recursive: false, mode: 0o700 });
  assert.equal(await session.remove("a"), 4);
  await session.remove("c", { recursive: false });
  assert.deepEqual(requests, [
    { sessionId, path: "src", includeHidden: true },
    { sessionId, path: "a/b", mode: 0, recursive: true },
    { sessionId, path: "c", mode: 0o700, recursive: false },
    { sessionId, path: "a", recursive: true },
    { sessionId, path: "c", recursive: false },
  ]);
});
