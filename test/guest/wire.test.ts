import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import type { GuestProcess } from "../../src/engine/core/ports/runtime.js";
import { GuestLink } from "../../src/engine/runtime/guest/guest-link.js";
import { RelayProcess } from "../../src/lib/relay-process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { guestBinary, GuestSandbox } from "./support/guest-sandbox.js";
import { collect, commandOf, neverAborts } from "./support/run-in.js";
import { readAll, SocketPairs } from "./support/socket-pairs.js";

const between = { kind: 0, left: 0 };

describe("a command whose connection leads past the engine", () => {
  let sandbox: GuestSandbox;
  let link: GuestLink;
  let pairs: SocketPairs;
  before(async () => {
    sandbox = await GuestSandbox.start();
    link = new GuestLink(sandbox.socketPath, guestBinary);
    pairs = await SocketPairs.open();
  });
  after(async () => {
    await pairs.close();
    await sandbox.stop();
  });

  /** Starts it with the socket that comes by `from`, once `invite` says that it may. */
  async function start(argv: readonly string[], from: Socket, invite: () => void): Promise<GuestProcess> {
    const command = commandOf(argv, { wire: { from, invite }, letGo: true, timeoutMs: 0 });
    const spawned = await link.spawn(command, neverAborts());
    assert.ok(spawned.started);
    return spawned.process;
  }

  /** What the command line has: a process that carries what `say` is told, and what `hear` is to hear. */
  async function carried(argv: readonly string[]) {
    const [lane, from] = await pairs.make();
    const [say, input] = await pairs.make();
    const [hear, output] = await pairs.make();
    let carrier: RelayProcess | undefined;
    const process = await start(argv, from, () => {
      carrier = RelayProcess.start([guestBinary, "wire", "carry"], lane, [input, output]);
      void carrier?.go(between);
    });
    for (const socket of [input, output]) socket.destroy(); // the carrier's now
    assert.ok(carrier);
    return { process, carrier, say, hear, lane };
  }

  it("says and hears every byte, and both of its ends are told", async () => {
    const { process, carrier, say, hear } = await carried(["cat"]);
    const bytes = randomBytes(8 << 20);
    const heard = readAll(hear);
    say.end(bytes);
    assert.deepEqual(await heard, bytes);
    const { stdout, exit } = await collect(process);
    assert.deepEqual([stdout, exit.exitCode], ["", 0]);
    await carrier.over;
  });

  it("still tells the engine what it says on stderr, and how it ends", async () => {
    const { process, hear } = await carried(["sh", "-c", "echo out; echo err >&2; exit 7"]);
    const { stdout, stderr, exit } = await collect(process);
    assert.deepEqual([stdout, stderr, exit.exitCode], ["", "err\n", 7]);
    assert.equal((await readAll(hear)).toString(), "out\n");
  });

  it("is at its end where it leaves something behind that holds the connection", async () => {
    const { process, hear } = await carried(["sh", "-c", "sleep 4242 2>/dev/null & echo left"]);
    const heard = readAll(hear);
    assert.equal((await collect(process)).exit.exitCode, 0);
    assert.equal((await heard).toString(), "left\n");
  });

  it("has nothing more to read or write once the engine lets go, and lives on", async () => {
    const { process, hear } = await carried(["sh", "-c", "echo here; cat; exec sleep 4243"]);
    assert.equal((await once(hear, "data")).toString(), "here\n");
    process.close();
    await once(hear.resume(), "end");
    const isThere = () => (sandbox.commands().includes("sleep 4243") ? true : undefined);
    assert.ok(await waitUntil(isThere, { timeoutMs: 10_000 }));
  });

  it("ends with who carries it", async () => {
    const { process, carrier } = await carried(["cat"]);
    carrier.stop();
    assert.equal((await collect(process)).exit.exitCode, 0);
  });

  it("takes nothing but half of a pair of sockets", async () => {
    const make: Readonly<Record<string, string>> = {
      "nothing at all": "s.send(b'x')",
      "a file": "give(open('/etc/hostname'))",
      "a connection over the network": `
listening = socket.create_server(('127.0.0.1', 0))
give(socket.create_connection(listening.getsockname()))`,
      "a socket with a name": `
listening = socket.socket(socket.AF_UNIX)
listening.bind(os.path.join(sys.argv[1], 'named'))
listening.listen()
caller = socket.socket(socket.AF_UNIX)
caller.connect(listening.getsockname())
give(listening.accept()[0])`,
      "one that takes packets": "give(socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)[0])",
      "none, as it leaves": "s.close()",
    };
    for (const [what, how] of Object.entries(make)) {
      const [lane, from] = await pairs.make();
      const program = `
import os, socket, sys
s = socket.socket(fileno=3)
def give(what):
    socket.send_fds(s, [b'x'], [what.fileno()])
${how}`;
      let giver: ReturnType<typeof spawn> | undefined;
      const started = start(["true"], from, () => {
        giver = spawn("python3", ["-c", program, pairs.directory], {
          stdio: ["ignore", "ignore", "inherit", lane],
        });
        lane.destroy();
      });
      await assert.rejects(started, /the caller sent no socket/, what);
      if (giver?.exitCode === null) await once(giver, "exit");
      assert.equal(giver?.exitCode, 0, what);
    }
    assert.ok(!sandbox.commands().includes("true"));
  });
});
