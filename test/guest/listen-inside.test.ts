import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { TenkiError } from "../../src/domain/error.js";
import type { GuestConnectionAccepted, GuestListener } from "../../src/engine/core/ports/runtime.js";
import { GuestSandbox } from "./support/guest-sandbox.js";
import { neverAborts, run } from "./support/run-in.js";

/** The test's sandbox shares the machine's network, so that it is reached from here. */
let sandbox: GuestSandbox;

before(async () => {
  sandbox = await GuestSandbox.start();
});
after(() => sandbox.stop());

const listen = (port = 0, address = "127.0.0.1"): Promise<GuestListener> =>
  sandbox.link.listen({ address, port }, neverAborts());

/** Answers each connection with what it said, and from where, until the listener is closed. */
async function echo(listener: GuestListener): Promise<number> {
  let count = 0;
  for await (const accepted of listener.connections) {
    count += 1;
    answer(accepted);
  }
  return count;
}

function answer({ stream, sourceAddress }: GuestConnectionAccepted): void {
  stream.on("error", () => undefined);
  stream.write(`${sourceAddress} `);
  stream.pipe(stream);
}

async function call(
  port: number,
  text: string,
  host = "127.0.0.1",
): Promise<{ heard: string; from: string }> {
  const socket = connect({ port, host, allowHalfOpen: true });
  await once(socket, "connect");
  const from = `${host.includes(":") ? `[${socket.localAddress}]` : socket.localAddress}:${socket.localPort}`;
  socket.end(text);
  let heard = "";
  socket.on("data", (piece: Buffer) => (heard += piece.toString()));
  await once(socket, "end");
  return { heard, from };
}

test("a hundred connections at once are taken, each with where it came from, and half-closed by either side", async () => {
  const listener = await listen();
  assert.ok(listener.port > 0);
  const echoed = echo(listener);
  const calls = await Promise.all(
    Array.from({ length: 100 }, (_, index) => call(listener.port, `call ${index}`)),
  );
  for (const [index, { heard, from }] of calls.entries()) assert.equal(heard, `${from} call ${index}`);
  listener.close();
  assert.equal(await echoed, 100);
  await sandbox.waitUntilIdle();
});

test("a closed listener lets its port go, and connections that were taken stay", async () => {
  const listener = await listen();
  const connections = listener.connections[Symbol.asyncIterator]();
  const socket = connect(listener.port, "127.0.0.1");
  const { value } = await connections.next();
  listener.close();
  await sandbox.waitUntilHandlers(1);
  const again = await listen(listener.port);
  (value as GuestConnectionAccepted).stream.end("still here");
  const [piece] = await once(socket, "data");
  assert.equal(String(piece), "still here");
  socket.destroy();
  again.close();
  await sandbox.waitUntilIdle();
});

test("an address that is taken, or none of the sandbox's, is refused", async () => {
  const listener = await listen();
  const refused = (error: unknown) => error instanceof TenkiError && error.kind === "failed_precondition";
  await assert.rejects(listen(listener.port), refused);
  await assert.rejects(listen(0, "192.0.2.1"), refused);
  await assert.rejects(listen(0, "not an address"), refused);
  listener.close();
});

test("IPv6 is listened on as well", async () => {
  const listener = await listen(0, "::1");
  const echoed = echo(listener);
  const { heard, from } = await call(listener.port, "six", "::1");
  assert.equal(heard, `${from} six`);
  listener.close();
  await echoed;
});

test("the connections end with an error when the sandbox goes away", async () => {
  const doomed = await GuestSandbox.start();
  const listener = await doomed.link.listen({ address: "127.0.0.1", port: 0 }, neverAborts());
  const next = listener.connections[Symbol.asyncIterator]().next();
  const broken = assert.rejects(next, { kind: "unavailable" });
  await doomed.stop();
  await broken;
});

test("nobody inside but root is given the listening socket", async () => {
  const listener = await listen();
  const program = `
import socket
names = [line.split()[-1] for line in open("/proc/net/unix") if "@tenki/" in line]
door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
door.connect("\\0" + names[0][1:])
print(len(names), len(socket.recv_fds(door, 16, 1)[1]))
`;
  const { stdout } = await run(sandbox, ["python3", "-c", program]);
  assert.equal(stdout, "1 0\n");
  listener.close();
});

test("who comes in while nobody takes connections waits for it", async () => {
  const listener = await listen();
  const waiting = call(listener.port, "patient");
  const echoed = echo(listener);
  assert.match((await waiting).heard, /patient$/);
  listener.close();
  await echoed;
});
