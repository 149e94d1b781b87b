import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { constants } from "node:os";
import { after, before, test } from "node:test";
import { PayloadWriter } from "../../src/engine/runtime/guest/payload.js";
import { down, headerBytes, request, runFlags, up } from "../../src/engine/runtime/guest/protocol.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { GuestSandbox } from "./support/guest-sandbox.js";
import { connectRaw, frame, readAll } from "./support/raw-client.js";
import { neverAborts, shell } from "./support/run-in.js";

let sandbox: GuestSandbox;
before(async () => {
  sandbox = await GuestSandbox.start();
});
after(() => sandbox.stop());

/** pid 1 still serves, and nothing is left of what was tried. */
async function assertUnharmed(): Promise<void> {
  await sandbox.waitUntilIdle();
  assert.equal((await shell(sandbox, "echo fine")).stdout, "fine\n");
}

async function ask(bytes: Uint8Array): Promise<Buffer> {
  const socket = await connectRaw(sandbox.socketPath);
  socket.write(bytes);
  return readAll(socket);
}

const errorFrame = (errno: number): Buffer =>
  frame(down.error, new PayloadWriter().u32(errno).u8(3).finish());

test("a frame that claims to be huge is refused, without waiting for it", async () => {
  assert.deepEqual(
    await ask(frame(request.run, Buffer.alloc(8), 0xffff_ffff)),
    errorFrame(constants.errno.E2BIG),
  );
  await assertUnharmed();
});

test("a request of a kind that does not exist is refused", async () => {
  for (const type of [0, 0x09, 0x20, down.pong, 0xff]) {
    assert.deepEqual(
      await ask(frame(type, Buffer.from("x"))),
      errorFrame(constants.errno.EPROTO),
      String(type),
    );
  }
  await assertUnharmed();
});

test("a payload that is no request is refused", async () => {
  const noArguments = new PayloadWriter()
    .u8(0)
    .u32(0)
    .u32(0)
    .u32(0)
    .string("")
    .u32(0)
    .string("/")
    .strings([])
    .strings([])
    .finish();
  const tooMany = new PayloadWriter()
    .u8(0)
    .u32(0)
    .u32(0)
    .u32(0)
    .string("")
    .u32(0)
    .string("/")
    .u32(0xffff_ffff)
    .finish();
  const leftOver = Buffer.concat([new PayloadWriter().string("/home/tenki/x").finish(), Buffer.alloc(1)]);
  const withNul = new PayloadWriter().bytes(Buffer.from("/home/tenki\0x")).finish();
  const refused = errorFrame(constants.errno.EINVAL);
  for (const payload of [Buffer.alloc(0), noArguments, tooMany]) {
    assert.deepEqual(await ask(frame(request.run, payload)), refused);
  }
  for (const payload of [Buffer.alloc(0), leftOver, withNul]) {
    assert.deepEqual(await ask(frame(request.stat, payload)), refused);
  }
  await assertUnharmed();
});

test("random bytes, whole or cut off, do no harm", async () => {
  const types = Object.values(request).filter((type) => type !== request.run);
  for (let round = 0; round < 60; round++) {
    const socket = await connectRaw(sandbox.socketPath);
    const payload = randomBytes(round * 7);
    socket.write(frame(types[round % types.length] ?? 0, payload));
    if (round % 3 === 0) socket.destroy();
    else await readAll(socket);
  }
  await assertUnharmed();
});

test("half a header and half a request end with their connection", async () => {
  for (const bytes of [Buffer.of(1, 0), frame(request.ping, Buffer.alloc(3), 100)]) {
    const socket = await connectRaw(sandbox.socketPath);
    await new Promise((resolve) => socket.write(bytes, resolve));
    socket.destroy();
  }
  await assertUnharmed();
});

test("connections that say nothing hold up nobody, and are given up", async () => {
  const silent = await Promise.all(Array.from({ length: 50 }, () => connectRaw(sandbox.socketPath)));
  assert.equal((await shell(sandbox, "echo fine")).stdout, "fine\n");
  for (const socket of silent) socket.resume();
  const closed = await waitUntil(() => silent.every((socket) => socket.closed) || undefined, {
    timeoutMs: 20_000,
  });
  assert.equal(closed, true);
  await assertUnharmed();
});

const sleeping = (flags: number): Buffer =>
  frame(
    request.run,
    new PayloadWriter()
      .u8(flags)
      .u32(0)
      .u32(0)
      .u32(0)
      .string("")
      .u32(0)
      .string("/")
      .strings(["/bin/sleep", "1000"])
      .strings([])
      .finish(),
  );

test("a running command ends when its caller breaks the protocol", async () => {
  const window = 1 << 20;
  const violations = {
    "a frame of no kind": frame(0x77),
    "a signal that is none": frame(up.signal, Buffer.alloc(3)),
    "a close with something in it": frame(up.stdinClose, Buffer.alloc(1)),
    "more stdin than was granted": Buffer.concat(
      [0, 1].map(() => frame(up.stdin, Buffer.alloc(window / 2 + (70 << 10)))), // its pipe takes 64 KiB
    ),
    "a stdin frame beyond the window": frame(up.stdin, Buffer.alloc(0), window + 1),
  };
  for (const [name, bytes] of Object.entries(violations)) {
    const socket = await connectRaw(sandbox.socketPath);
    socket.write(sleeping(runFlags.stdin));
    await once(socket, "data");
    socket.write(bytes);
    await sandbox.waitUntilIdle().catch((error: unknown) => assert.fail(`${name}: ${String(error)}`));
    socket.destroy();
  }
  await assertUnharmed();
});

test("signals out of range are ignored", async () => {
  const socket = await connectRaw(sandbox.socketPath);
  socket.write(sleeping(0));
  await once(socket, "data");
  for (const number of [0, 65, 0x7fff_ffff, 0xffff_ffff]) {
    socket.write(frame(up.signal, new PayloadWriter().u32(number).finish()));
  }
  socket.write(frame(up.signal, new PayloadWriter().u32(constants.signals.SIGTERM).finish()));
  const answer = await readAll(socket);
  assert.equal(answer.readUInt8(4), down.exit);
  assert.equal(answer.readUInt32LE(headerBytes + 4), constants.signals.SIGTERM);
  await assertUnharmed();
});

test("without stdin a command reads an end at once, and what is sent is dropped", async () => {
  const socket = await connectRaw(sandbox.socketPath);
  const cat = new PayloadWriter()
    .u8(0)
    .u32(0)
    .u32(0)
    .u32(0)
    .string("")
    .u32(0)
    .string("/")
    .strings(["/bin/cat"])
    .strings([])
    .finish();
  socket.write(Buffer.concat([frame(request.run, cat), frame(up.stdin, Buffer.from("x"))]));
  const answer = await readAll(socket);
  assert.equal(answer.readUInt8(4), down.started);
  assert.equal(answer.includes("x"), false);
});

test("a write that breaks the protocol changes nothing", async () => {
  await shell(sandbox, "echo old > kept");
  const start = new PayloadWriter().string("/home/tenki/kept").u32(0).u8(1).u8(0).finish();
  for (const bytes of [frame(up.stdin, Buffer.from("x")), frame(up.data, Buffer.alloc(0), (256 << 10) + 1)]) {
    const socket = await connectRaw(sandbox.socketPath);
    socket.write(Buffer.concat([frame(request.write, start), frame(up.data, Buffer.from("new")), bytes]));
    assert.deepEqual(await readAll(socket), errorFrame(constants.errno.EPROTO));
  }
  assert.equal((await shell(sandbox, "cat kept; ls -A | grep -c tmp")).stdout, "old\n0\n");
});

test("pid 1 cannot be signalled away, and answers all the while", async () => {
  const { exit } = await shell(
    sandbox,
    "for s in TERM INT HUP QUIT KILL STOP SEGV ALRM PIPE; do kill -$s 1; done",
    {
      privileged: true,
    },
  );
  assert.equal(exit.exitCode, 0);
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const) process.kill(sandbox.initPid, name);
  await sandbox.link.ping(neverAborts());
  await assertUnharmed();
});
