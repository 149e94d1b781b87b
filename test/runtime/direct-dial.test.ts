import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { DialError } from "../../src/domain/dial.js";
import type { GuestStream } from "../../src/engine/core/ports/runtime.js";
import { NetworkReach } from "../../src/engine/runtime/network-reach.js";
import { ReachedSocket } from "../../src/engine/runtime/reached-socket.js";
import { readProcessIdentity } from "../../src/lib/process-identity.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { Workbench } from "./support/workbench.js";

let bench: Workbench;
let id: string;
before(async () => {
  bench = await Workbench.open();
  id = await bench.start();
});
after(() => bench.close());

const dial = (port: number, timeoutMs = 10_000): Promise<GuestStream> =>
  bench.runtime.dial(id, { port }, { timeoutMs, direct: true }, AbortSignal.timeout(20_000));

/** A service inside, one connection after the other; what it has seen is in `seen`. */
async function serve(port: number, body: string, host = "127.0.0.1"): Promise<void> {
  const program = `
import socket
family = socket.AF_INET6 if ":" in ${JSON.stringify(host)} else socket.AF_INET
server = socket.create_server((${JSON.stringify(host)}, ${port}), family=family)
open("ready-${port}", "w").close()
while True:
    peer, _ = server.accept()
${body.replaceAll(/^/gm, "    ")}
`;
  await bench.shell(
    id,
    `cat > serve-${port}.py <<'END'\n${program}\nEND\n` +
      `setsid python3 serve-${port}.py > log-${port} 2>&1 < /dev/null & until [ -e ready-${port} ]; do sleep 0.01; done`,
  );
}

const echo = 'with peer: peer.sendall(b"heard: " + peer.makefile("rb").read())';

async function readAll(stream: GuestStream): Promise<string> {
  const pieces: Buffer[] = [];
  stream.on("data", (piece: Buffer) => pieces.push(piece));
  await once(stream, "end");
  return Buffer.concat(pieces).toString();
}

test("a port is reached past the guest program, at every loopback address, each side's end by itself", async () => {
  await serve(3001, echo);
  await serve(3002, echo, "::1");
  for (const port of [3001, 3002, 3001]) {
    const stream = await dial(port);
    assert.ok(stream instanceof ReachedSocket);
    stream.end("to the end");
    assert.equal(await readAll(stream), "heard: to the end");
  }
});

test("one that nobody listens on is refused, and one that takes nobody in time is silent", async () => {
  await assert.rejects(dial(3999), (error) => error instanceof DialError && error.failure === "refused");
  // The kernel takes as many as have room in the queue of one who does not accept.
  await bench.shell(
    id,
    'setsid python3 -c \'import socket, time; s = socket.socket(); s.bind(("127.0.0.1", 3003)); s.listen(0); open("ready-3003", "w").close(); time.sleep(600)\' > log 2>&1 < /dev/null & until [ -e ready-3003 ]; do sleep 0.01; done',
  );
  const streams: GuestStream[] = [];
  const silent = async () => {
    for (;;) streams.push(await dial(3003, 300));
  };
  await assert.rejects(silent, (error) => error instanceof DialError && error.failure === "timeout");
  for (const stream of streams) stream.destroy();
});

test("whoever leaves before the end is a reset inside, and a reset inside is no end", async () => {
  await serve(
    3004,
    `
said = peer.recv(100)
if said == b"reset":
    import struct
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
else:
    try:
        peer.sendall(b"go on")
        while peer.recv(100): pass
        seen = "end"
    except ConnectionResetError: seen = "reset"
    open("seen", "w").write(seen)`,
  );
  const stream = await dial(3004);
  stream.write("half of it");
  await once(stream, "data");
  stream.destroy();
  const seen = await waitUntil(
    async () => (await bench.shell(id, "cat seen 2>/dev/null")).stdout || undefined,
    { timeoutMs: 10_000 },
  );
  assert.equal(seen, "reset");
  const another = await dial(3004);
  another.write("reset");
  await assert.rejects(readAll(another), (error) => error instanceof DialError && error.failure === "reset");
});

test("many at once are told apart", async () => {
  await serve(3005, "peer.sendall(peer.recv(100)); peer.close()");
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, at) => {
      const stream = await dial(3005);
      stream.end(`${at}`);
      return readAll(stream);
    }),
  );
  assert.deepEqual(
    answers,
    answers.map((_, at) => `${at}`),
  );
});

test("what connects is started again where it was ended", async () => {
  const helper = () =>
    readdirSync("/proc").find((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        const [, parent] = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
        return (
          parent === String(process.pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("\0reach\0")
        );
      } catch {
        return false;
      }
    });
  const first = helper();
  assert.ok(first !== undefined);
  process.kill(Number(first), "SIGKILL");
  const gone = await waitUntil(() => (helper() === first ? undefined : true), { timeoutMs: 5_000 });
  assert.equal(gone, true);
  const stream = await dial(3001);
  stream.end("again");
  assert.equal(await readAll(stream), "heard: again");
});

test("the machine's own ports are not reached, nor anybody by a pid that was given to another", async () => {
  const server = createServer((socket) => socket.end("the machine's")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const self = readProcessIdentity(process.pid);
  assert.ok(self !== undefined);
  const reach = new NetworkReach(resolve("dist/tenki-guest"));
  const at = { port, timeoutMs: 1_000 };
  assert.equal(await reach.connect(self, at, AbortSignal.timeout(10_000)), undefined);
  assert.equal(await reach.connect({ ...self, startTicks: "1" }, at, AbortSignal.timeout(10_000)), undefined);
  server.close();
});
