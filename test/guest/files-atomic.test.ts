import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { waitUntil } from "../../src/lib/wait-until.js";
import { LinkedFiles } from "../../src/engine/runtime/guest/guest-files.js";
import { childrenOf, GuestSandbox } from "./support/guest-sandbox.js";
import { connectRaw, frame } from "./support/raw-client.js";
import { PayloadWriter } from "../../src/engine/runtime/guest/payload.js";
import { request, up } from "../../src/engine/runtime/guest/protocol.js";

let sandbox: GuestSandbox;
before(async () => {
  sandbox = await GuestSandbox.start({ homeMegabytes: 4 });
});
after(() => sandbox.stop());

const path = "/home/tenki/file";
const options = { mode: 0, truncate: true, sync: false };
const content = (): string => readFileSync(sandbox.path(path), "utf8");
const temporary = (): string[] =>
  readdirSync(sandbox.path("/home/tenki")).filter((name) => name.startsWith(".tenki-"));

async function* of(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

const noTemporary = (): Promise<true | undefined> =>
  waitUntil(() => temporary().length === 0 || undefined, { timeoutMs: 5_000 });

test("while a write is under way readers see the old file, then the new one", async () => {
  await sandbox.link.files.write(path, of("old"), options);
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const writing = sandbox.link.files.write(
    path,
    (async function* () {
      yield Buffer.from("new ");
      await gate;
      yield Buffer.from("content");
    })(),
    options,
  );
  assert.equal(await waitUntil(() => temporary().length === 1 || undefined, { timeoutMs: 5_000 }), true);
  assert.equal(content(), "old");
  open();
  assert.equal(await writing, 11);
  assert.equal(content(), "new content");
  assert.deepEqual(temporary(), []);
});

test("content that fails half-way leaves the old file and nothing else", async () => {
  await sandbox.link.files.write(path, of("old"), options);
  const broken = (async function* () {
    yield Buffer.from("half");
    throw new Error("the caller's source broke");
  })();
  await assert.rejects(sandbox.link.files.write(path, broken, options), /source broke/);
  assert.equal(await noTemporary(), true);
  assert.equal(content(), "old");
});

test("a connection that drops before the end leaves the old file and nothing else", async () => {
  await sandbox.link.files.write(path, of("old"), options);
  const start = new PayloadWriter().string(path).u32(0).u8(1).u8(0).finish();
  const socket = await connectRaw(sandbox.socketPath);
  socket.write(Buffer.concat([frame(request.write, start), frame(up.data, Buffer.alloc(1000), 5000)]));
  assert.equal(await waitUntil(() => temporary().length === 1 || undefined, { timeoutMs: 5_000 }), true);
  socket.destroy();
  assert.equal(await noTemporary(), true);
  assert.equal(content(), "old");
  await sandbox.waitUntilIdle();
});

test("a full disk is said to be full at once, and what was there stays", async () => {
  await sandbox.link.files.write(path, of("old"), options);
  let produced = 0;
  const endless = (async function* () {
    for (;;) {
      produced += 1;
      yield Buffer.alloc(64 << 10);
    }
  })();
  const full = { kind: "resource_exhausted", message: /^no space left on the sandbox's disk: / };
  await assert.rejects(sandbox.link.files.write(path, endless, options), full);
  assert.ok(produced < 200, "it stopped asking for content");
  assert.equal(await noTemporary(), true);
  assert.equal(content(), "old");
  const large = of(Buffer.alloc(3_000_000));
  await sandbox.link.files.write(path, large, options);
  await assert.rejects(sandbox.link.files.write(path, of("x"), { ...options, truncate: false }), full);
  assert.equal(readFileSync(sandbox.path(path)).length, 3_000_000);
  assert.equal(await noTemporary(), true);
});

test("writers who race each leave a whole file", async () => {
  await sandbox.link.files.remove(path, { recursive: false });
  const texts = ["a", "b", "c", "d"].map((letter) => letter.repeat(200_000));
  const state = { done: false };
  const writers = Promise.all(
    texts.map(async (text) => {
      for (let round = 0; round < 10; round++) {
        await sandbox.link.files.write(path, of(text.slice(0, 100_000), text.slice(100_000)), options);
      }
    }),
  ).finally(() => (state.done = true));
  let reads = 0;
  while (!state.done) {
    const seen = await waitUntil(
      () => {
        try {
          return content();
        } catch {
          return undefined; // not there yet
        }
      },
      { timeoutMs: 5_000 },
    );
    assert.ok(seen !== undefined && texts.includes(seen), `a mixture: ${seen?.length} bytes`);
    reads += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writers;
  assert.ok(reads > 5);
  assert.deepEqual(temporary(), []);
});

test("a process that serves a file and is stopped from inside does not keep its caller for ever", async () => {
  await sandbox.link.files.write(path, of("old"), options);
  await sandbox.waitUntilIdle();
  const files = new LinkedFiles(sandbox.socketPath, 300);
  const stopHandler = async (): Promise<void> => {
    const handler = await waitUntil(() => childrenOf(sandbox.initPid)[0], { timeoutMs: 5_000 });
    process.kill(handler ?? 0, "SIGSTOP");
  };
  const content = (async function* () {
    yield Buffer.from("first");
    await stopHandler();
    yield Buffer.from("last");
  })();
  const unavailable = { kind: "unavailable", message: "the sandbox does not answer" };
  await assert.rejects(files.write(path, content, options), unavailable);
  process.kill(childrenOf(sandbox.initPid)[0] ?? 0, "SIGCONT");
  await sandbox.waitUntilIdle();
  assert.equal(await noTemporary(), true);
});

test("patience is for the guest: a caller may take its time, to write and to read", async () => {
  const files = new LinkedFiles(sandbox.socketPath, 100);
  const pause = () => new Promise((resolve) => setTimeout(resolve, 350));
  const slow = (async function* () {
    yield Buffer.alloc(2_000_000, 1);
    await pause();
    yield Buffer.from("end");
  })();
  assert.equal(await files.write(path, slow, options), 2_000_003);
  const { chunks } = await files.read(path, { offset: 0, length: 0, chunkBytes: 500_000 });
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size === 500_000) await pause();
  }
  assert.equal(size, 2_000_003);
});
