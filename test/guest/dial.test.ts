import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { after, before, test } from "node:test";
import type { Readable } from "node:stream";
import { DialError } from "../../src/domain/dial.js";
import type { DialTarget, GuestStream } from "../../src/engine/core/ports/runtime.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { GuestSandbox } from "./support/guest-sandbox.js";
import { commandOf, neverAborts, shell } from "./support/run-in.js";

/** The test's sandbox shares the machine's network, so that servers here are servers inside. */
let sandbox: GuestSandbox;

before(async () => {
  sandbox = await GuestSandbox.start();
});
after(() => sandbox.stop());

const dial = (target: DialTarget, timeoutMs = 10_000): Promise<GuestStream> =>
  sandbox.link.dial(target, { timeoutMs }, neverAborts());

async function serve(serveOne: (socket: Socket) => void, host = "127.0.0.1"): Promise<[Server, number]> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    serveOne(socket);
  });
  server.listen(0, host);
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return [server, address.port];
}

/** Unlike the consumers of `node:stream` it leaves the other direction alone. */
async function readAll(stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  stream.on("data", (piece: Buffer) => pieces.push(piece));
  await once(stream, "end");
  return Buffer.concat(pieces);
}

const failsWith = (failure: string) => (error: unknown) =>
  error instanceof DialError && error.failure === failure;

test("a port is reached at every loopback address, and what is said after the end still arrives", async () => {
  for (const host of ["127.0.0.1", "0.0.0.0", "::1"]) {
    const [server, port] = await serve((socket) => void echoBack(socket), host);
    const stream = await dial({ port });
    stream.end("to the end");
    assert.equal((await readAll(stream)).toString(), "heard: to the end", host);
    server.close();
  }
});

async function echoBack(socket: Socket): Promise<void> {
  const heard = await readAll(socket);
  socket.end(`heard: ${heard.toString()}`);
}

test("who has said its last is still heard", async () => {
  const heard: Promise<Buffer>[] = [];
  const [server, port] = await serve((socket) => {
    socket.end("first");
    heard.push(readAll(socket));
  });
  const stream = await dial({ port });
  assert.equal((await readAll(stream)).toString(), "first");
  stream.end("then me");
  assert.equal(await heard[0]?.then(String), "then me");
  server.close();
});

test("a reset inside is no end, whatever came before it", async () => {
  const [server, port] = await serve((socket) => {
    socket.once("data", () => socket.resetAndDestroy());
  });
  const stream = await dial({ port });
  stream.write("x");
  await assert.rejects(readAll(stream), failsWith("reset"));
  server.close();
});

test("whoever leaves before the end is a reset inside", async () => {
  const errors: unknown[] = [];
  const [server, port] = await serve((socket) => {
    socket.on("error", (error) => errors.push(error));
    socket.on("data", () => socket.write("go on"));
  });
  const stream = await dial({ port });
  stream.write("half of it");
  await once(stream, "data");
  stream.destroy();
  const seen = await waitUntil(() => errors[0], { timeoutMs: 5_000 });
  assert.match(String(seen), /ECONNRESET/);
  server.close();
  await sandbox.waitUntilIdle();
});

test("a port that nobody listens on is refused", async () => {
  const [server, port] = await serve(() => undefined);
  server.close();
  await once(server, "close");
  await assert.rejects(dial({ port }), failsWith("refused"));
});

test("100 MB pass either way at once, and a reader who does not read stops the writer", async () => {
  const size = 100 << 20;
  const [server, port] = await serve((socket) => void socket.pipe(socket));
  const stream = await dial({ port });
  const chunk = Buffer.alloc(1 << 20, "tenki");
  let written = 0;
  let isFull = false;
  // Nobody reads yet: what fits into buffers on the way is far less than all of it.
  while (!isFull) {
    written += chunk.length;
    stream.write(chunk);
    isFull =
      (await Promise.race([once(stream, "drain"), waitUntil(() => undefined, { timeoutMs: 500 })])) ===
      undefined;
    assert.ok(written < size, "what is not read is taken all the same");
  }
  const sent = (async () => {
    for (; written < size; written += chunk.length) if (!stream.write(chunk)) await once(stream, "drain");
    stream.end();
  })();
  let got = 0;
  for await (const piece of stream) got += (piece as Buffer).length;
  await sent;
  assert.equal(got, size);
  server.close();
});

test("a unix socket is reached by any path that leads to it, as the sandbox's user", async () => {
  const server = await serveInside("/home/tenki/a.sock");
  await shell(sandbox, "ln -s a.sock link.sock; mkdir sub; ln -s ../a.sock sub/up.sock");
  for (const name of ["a.sock", "link.sock", "sub/up.sock"]) {
    const stream = await dial({ unixSocketPath: `/home/tenki/${name}` });
    stream.end("hello");
    assert.equal((await readAll(stream)).toString(), "1000 hello", name);
  }
  server.close();
});

/** A server inside that says who calls, and what. */
async function serveInside(path: string): Promise<{ close(): void }> {
  const program = `
import os, socket, struct
server = socket.socket(socket.AF_UNIX)
server.bind(${JSON.stringify(path)})
server.listen(8)
print("listening", flush=True)
while True:
    peer, _ = server.accept()
    uid = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
    data = b""
    while part := peer.recv(4096): data += part
    peer.sendall(f"{uid} ".encode() + data)
    peer.close()
`;
  const spawned = await sandbox.link.spawn(
    commandOf(["python3", "-c", program], { timeoutMs: 0 }),
    neverAborts(),
  );
  assert.ok(spawned.started);
  const { value } = await spawned.process.events[Symbol.asyncIterator]().next();
  assert.equal(value?.kind, "stdout");
  return spawned.process;
}

test("a path that is no socket, or lies elsewhere once its links are resolved, is denied", async () => {
  await shell(
    sandbox,
    `cd / && mkdir -p /mnt/out && python3 -c 'import socket
s = socket.socket(socket.AF_UNIX); s.bind("/mnt/out/s.sock"); s.listen()' && chmod -R 777 /mnt/out`,
    { privileged: true, cwd: "/" },
  );
  await shell(
    sandbox,
    `echo text > file; mkfifo pipe; ln -s /mnt/out/s.sock out.sock; ln -s /mnt/out door; ln -s out.sock twice.sock
     ln -s /proc/self/root root; ln -s nowhere dangling`,
  );
  const denied = [
    "file",
    "pipe",
    "out.sock",
    "door/s.sock",
    "twice.sock",
    "root/mnt/out/s.sock",
    "dangling",
    "none",
    "",
  ];
  for (const name of [
    ...denied.map((name) => `/home/tenki/${name}`),
    "/mnt/out/s.sock",
    "/tmp/../mnt/out/s.sock",
  ]) {
    const refused = dial({ unixSocketPath: name });
    await assert.rejects(
      refused,
      (error) => failsWith("path_denied")(error) && (error as Error).message.startsWith("path_denied"),
      name,
    );
  }
});

test("a socket that nobody listens on is refused, and one of another user's is denied", async () => {
  await shell(
    sandbox,
    `python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/home/tenki/dead.sock")'`,
  );
  await assert.rejects(dial({ unixSocketPath: "/home/tenki/dead.sock" }), failsWith("refused"));
  const server = await serveInside("/home/tenki/root.sock");
  await shell(sandbox, "chown root: root.sock && chmod 700 root.sock", { privileged: true });
  await assert.rejects(dial({ unixSocketPath: "/home/tenki/root.sock" }), failsWith("path_denied"));
  server.close();
});

test("a path as long as paths may be is reached", async () => {
  const deep = `/home/tenki/${"deep-directory/".repeat(20)}`;
  await shell(sandbox, `mkdir -p ${deep}`);
  const server = await serveInside("/home/tenki/short.sock");
  await shell(sandbox, `mv short.sock ${deep}`);
  const stream = await dial({ unixSocketPath: `${deep}short.sock` });
  stream.end("far away");
  assert.equal((await readAll(stream)).toString(), "1000 far away");
  server.close();
});

test("who does not answer is not waited for beyond the time", async () => {
  const program = `
import socket, sys, time
server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen(0)
others = [socket.socket() for _ in range(4)]
for other in others: other.setblocking(False); other.connect_ex(server.getsockname())
print(server.getsockname()[1], flush=True); time.sleep(60)
`;
  const spawned = await sandbox.link.spawn(commandOf(["python3", "-c", program]), neverAborts());
  assert.ok(spawned.started);
  for await (const event of spawned.process.events) {
    if (event.kind !== "stdout") continue;
    await assert.rejects(
      dial({ port: Number(Buffer.from(event.data).toString()) }, 300),
      failsWith("timeout"),
    );
    break;
  }
});

test("a connection does not outlive its sandbox, and that is no end", async () => {
  const doomed = await GuestSandbox.start();
  const [server, port] = await serve((socket) => socket.write("x"));
  const stream = await doomed.link.dial({ port }, { timeoutMs: 5_000 }, neverAborts());
  await once(stream, "data");
  const broken = once(stream, "error");
  await doomed.stop();
  assert.ok(failsWith("reset")((await broken)[0]));
  server.close();
});
