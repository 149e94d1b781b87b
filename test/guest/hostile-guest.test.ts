import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { GuestLink } from "../../src/engine/runtime/guest/guest-link.js";
import { PayloadWriter } from "../../src/engine/runtime/guest/payload.js";
import { down, protocolVersion } from "../../src/engine/runtime/guest/protocol.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { frame } from "./support/raw-client.js";
import { commandOf, neverAborts } from "./support/run-in.js";

/** Stands in for a pid 1 that was taken over: answers every connection with the same bytes. */
let directory: string;
let server: Server;
let link: GuestLink;
let answer: (socket: Socket) => void;
const open = new Set<Socket>();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tenki-hostile-"));
  server = createServer((socket) => {
    open.add(socket.on("error", () => undefined).on("close", () => open.delete(socket)));
    socket.once("data", () => answer(socket));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(join(directory, "guest.sock"), resolve));
  link = new GuestLink(join(directory, "guest.sock"));
});

afterEach(async () => {
  for (const socket of open) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true });
});

const says = (...frames: Buffer[]): void => {
  answer = (socket) => void socket.write(Buffer.concat(frames));
};

const internal = { kind: "internal", message: /^the sandbox answered with / };
const unavailable = { kind: "unavailable", message: "the sandbox does not answer" };
const started = frame(
  down.started,
  new PayloadWriter()
    .u32(7)
    .u32(1 << 18)
    .finish(),
);

const calls: Record<string, () => Promise<unknown>> = {
  ping: () => link.ping(neverAborts()),
  prepare: () => link.prepare([], neverAborts()),
  spawn: () => link.spawn(commandOf(["true"]), neverAborts()),
  attach: () => link.attach("id", 0, neverAborts()),
  read: () => link.files.read("/home/tenki/x", { offset: 0, length: 0, chunkBytes: 10 }),
  write: () => link.files.write("/home/tenki/x", chunks(), { mode: 0, truncate: true, sync: false }),
  stat: () => link.files.stat("/home/tenki/x"),
  mkdir: () => link.files.makeDirectory("/home/tenki/x", { mode: 0, recursive: false }),
  remove: () => link.files.remove("/home/tenki/x", { recursive: false }),
  list: () => link.files.list("/home/tenki", { includeHidden: true }),
};

async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < 10; index++) yield Buffer.alloc(1000);
}

async function assertAllReject(expected: object): Promise<void> {
  for (const [name, call] of Object.entries(calls)) {
    await assert.rejects(call(), expected, name);
  }
  const closed = await waitUntil(() => open.size === 0 || undefined, { timeoutMs: 5_000 });
  assert.equal(closed, true, "every connection was closed");
}

test("frames of an unknown kind", async () => {
  says(frame(0x33, Buffer.from("?")));
  await assertAllReject(internal);
});

test("frames of a known kind that were not asked for", async () => {
  says(frame(down.stdinTaken, Buffer.alloc(4)));
  await assertAllReject(internal);
});

test("a frame that claims to be huge", async () => {
  says(frame(down.error, Buffer.alloc(0), 0xffff_fff0));
  await assertAllReject(internal);
});

test("frames with too little or too much in them", async () => {
  for (const payload of [Buffer.alloc(0), Buffer.alloc(4), Buffer.alloc(200)]) {
    says(frame(down.error, payload));
    await assertAllReject(internal);
  }
});

test("a connection that closes at once, or half-way through a frame", async () => {
  answer = (socket) => socket.end();
  await assertAllReject(unavailable);
  answer = (socket) => socket.end(frame(down.error, Buffer.alloc(2), 5));
  await assertAllReject(unavailable);
});

test("nobody there", async () => {
  link = new GuestLink(join(directory, "no-such.sock"));
  await assertAllReject(unavailable);
});

test("an answer that never comes ends with the caller's patience", async () => {
  answer = () => undefined;
  await assert.rejects(link.ping(AbortSignal.timeout(50)), { kind: "cancelled" });
  await assert.rejects(link.spawn(commandOf(["true"]), AbortSignal.timeout(50)), { kind: "cancelled" });
  assert.equal(await waitUntil(() => open.size === 0 || undefined, { timeoutMs: 5_000 }), true);
});

test("another protocol version is said to be one", async () => {
  says(frame(down.pong, new PayloadWriter().u32(3).finish()));
  await assert.rejects(link.ping(neverAborts()), {
    kind: "failed_precondition",
    message: /protocol 3, not 2/,
  });
});

async function readEvents(): Promise<string[]> {
  const result = await link.spawn(commandOf(["true"]), neverAborts());
  assert.ok(result.started);
  const kinds: string[] = [];
  for await (const event of result.process.events) kinds.push(event.kind);
  return kinds;
}

test("a command whose guest goes away, or sends what no command can", async () => {
  answer = (socket) => void socket.end(Buffer.concat([started, frame(down.stdout, Buffer.from("out"))]));
  await assert.rejects(readEvents(), unavailable);
  const exit = (code: number, signal: number): Buffer =>
    frame(down.exit, new PayloadWriter().u32(code).u32(signal).u8(0).u64(1).finish());
  for (const bad of [frame(down.pong, Buffer.alloc(4)), frame(down.exit), exit(256, 0), exit(0, 999)]) {
    says(started, bad);
    await assert.rejects(readEvents(), internal);
  }
  says(started, frame(down.stdout, Buffer.from("out")), frame(down.stderr), exit(0, 9), frame(0x33));
  assert.deepEqual(
    await readEvents(),
    ["stdout", "stderr", "exit"],
    "what follows the exit is not looked at",
  );
});

test("an answer to coming back that cannot be", async () => {
  const attached = (bytes: number, fill = 0) => frame(down.attached, Buffer.alloc(bytes, fill));
  for (const bad of [attached(15), attached(17), attached(16, 0xff), started]) {
    says(bad);
    await assert.rejects(link.attach("id", 0, neverAborts()), internal);
  }
  says(frame(down.error, new PayloadWriter().u32(34).u8(4).finish()));
  await assert.rejects(link.attach("id", 0, neverAborts()), { kind: "data_loss" });
});

test("a guest that does not take what it is told last is left", async () => {
  answer = (socket) => {
    socket.write(started);
    socket.pause();
  };
  const command = { ...commandOf(["true"]), kept: { id: "id", lingerMs: 0 } };
  const result = await link.spawn(command, neverAborts());
  assert.ok(result.started);
  const writes = Array.from({ length: 40 }, () => result.process.writeStdin(Buffer.alloc(100_000)));
  result.process.close();
  await Promise.all(writes); // they are over, one way or the other
  result.process.close();
  result.process.detach();
});

test("a duration beyond what numbers hold exactly", async () => {
  const payload = Buffer.alloc(17, 0xff);
  payload.fill(0, 0, 8);
  says(started, frame(down.exit, payload));
  await assert.rejects(readEvents(), internal);
});

test("directory entries whose names would lead elsewhere", async () => {
  for (const name of ["", ".", "..", "../x", "a/b"]) {
    says(frame(down.entries, entry(name)), frame(down.end));
    await assert.rejects(link.files.list("/home/tenki", { includeHidden: true }), internal, name);
  }
});

function entry(name: string): Buffer {
  const text = Buffer.from(name);
  const numbers = new PayloadWriter().u64(1).u32(0o100644).u64(0).u32(0).finish();
  return Buffer.concat([new PayloadWriter().u32(text.length).finish(), text, numbers]);
}

test("content in crumbs does not cost more than content in pieces", async () => {
  const size = 200_000;
  answer = (socket) => {
    socket.setNoDelay(true);
    socket.write(frame(down.size, new PayloadWriter().u64(size).finish()));
    socket.write(frame(down.data, Buffer.alloc(0), size));
    for (let at = 0; at < size; at += 10) socket.write(Buffer.alloc(10, 1));
    socket.write(frame(down.end));
  };
  const content = await link.files.read("/home/tenki/x", { offset: 0, length: 0, chunkBytes: 150_000 });
  const sizes: number[] = [];
  for await (const chunk of content.chunks) sizes.push(chunk.length);
  assert.deepEqual(sizes, [150_000, 50_000]);
});

test("a socket whose path is longer than an address can be", async () => {
  const deep = join(directory, "d".repeat(100), "e".repeat(100));
  await mkdir(deep, { recursive: true });
  const far = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () =>
      socket.write(frame(down.pong, new PayloadWriter().u32(protocolVersion).finish())),
    );
  });
  // The server side has the same bound, so it is made by a shorter name for the same directory.
  await symlink(deep, join(directory, "short"));
  await new Promise<void>((resolve) => far.listen(join(directory, "short", "guest.sock"), resolve));
  await new GuestLink(join(deep, "guest.sock")).ping(neverAborts());
  await new Promise((resolve) => far.close(resolve));
});
