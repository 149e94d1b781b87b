import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmodSync, copyFileSync, readFileSync, statSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { kill, pid } from "node:process";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import type { GuestProcess } from "../../src/engine/core/ports/runtime.js";
import { GuestLink } from "../../src/engine/runtime/guest/guest-link.js";
import { PayloadWriter } from "../../src/engine/runtime/guest/payload.js";
import { down, request, runFlags } from "../../src/engine/runtime/guest/protocol.js";
import { RelayProcess } from "../../src/lib/relay-process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { childrenOf, guestBinary, GuestSandbox } from "./support/guest-sandbox.js";
import { connectRaw, frame } from "./support/raw-client.js";
import { collect, commandOf, neverAborts } from "./support/run-in.js";
import { readAll, SocketPairs } from "./support/socket-pairs.js";

const between = { kind: 0, left: 0 };
/** What only processes beside the engine say and hear. */
const [lend, lent] = [0x09, 0x8a];

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

  /** Starts it with a socket whose other half goes out by `from`. */
  async function start(
    argv: readonly string[],
    from: Socket,
    invite: () => void,
    by = link,
  ): Promise<GuestProcess> {
    const command = commandOf(argv, { wire: { from, invite }, letGo: true, timeoutMs: 0 });
    const spawned = await by.spawn(command, neverAborts());
    assert.ok(spawned.started);
    return spawned.process;
  }

  /** What the command line has: a process that carries what `say` is told, and what `hear` is to hear. */
  async function carried(argv: readonly string[], by = link) {
    const [lane, from] = await pairs.make();
    const [say, input] = await pairs.make();
    const [hear, output] = await pairs.make();
    let carrier: RelayProcess | undefined;
    const process = await start(
      argv,
      from,
      () => {
        carrier = RelayProcess.start([guestBinary, "wire", "carry"], lane, [input, output]);
        void carrier?.go(between);
      },
      by,
    );
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

  it("is over where nobody is left to say what is to be said", async () => {
    const { process, hear } = await carried(["cat"]);
    const isCarrier = (of: number) => readFileSync(`/proc/${of}/cmdline`, "utf8").includes("wire\0carry");
    const sayer = await waitUntil(() => childrenOf(childrenOf(pid).find(isCarrier) ?? pid).find(isCarrier), {
      timeoutMs: 10_000,
    });
    assert.ok(sayer);
    kill(sayer, "SIGKILL");
    await readAll(hear);
    assert.equal((await collect(process)).exit.exitCode, 0);
  });

  it("has a socket of the sandbox's network, and not of the host's", async () => {
    const own = await GuestSandbox.start({ ownNetwork: true });
    try {
      const inodes = (sockets: string) => new Set(sockets.split("\n").map((line) => line.split(/\s+/)[6]));
      const argv = ["sh", "-c", "stat -L -c %i /proc/self/fd/0; cat /proc/net/unix"];
      const { hear } = await carried(argv, new GuestLink(own.socketPath, guestBinary));
      const [inode = "", ...inside] = (await readAll(hear)).toString().split("\n");
      assert.match(inode, /^\d+$/);
      assert.ok(inodes(inside.join("\n")).has(inode));
    } finally {
      await own.stop();
    }
  });

  it("is carried by a process that nobody can look into, the same user inside neither", async () => {
    const program = join(pairs.directory, "tenki-guest");
    copyFileSync(guestBinary, program);
    chmodSync(pairs.directory, 0o755);
    const [, lane] = await pairs.make();
    const user = ["--reuid=1000", "--regid=1000", "--clear-groups"];
    const carrier = spawn("setpriv", [...user, program, "wire", "carry"], {
      stdio: ["ignore", "ignore", "inherit", lane, "pipe", "ignore", "ignore"],
    });
    await once(carrier, "spawn");
    const owner = () => {
      const isThere = readFileSync(`/proc/${carrier.pid}/cmdline`, "utf8").startsWith(program);
      return isThere && statSync(`/proc/${carrier.pid}/fd`).uid === 0 ? true : undefined;
    };
    assert.ok(await waitUntil(owner, { timeoutMs: 10_000 }));
    carrier.kill("SIGKILL");
    await once(carrier, "exit");
  });

  it("is asked for by `run`, without a terminal, and by nothing else", async () => {
    const run = new PayloadWriter().u8(runFlags.pty).u32(24).u32(80).u32(0).string("").u32(0).string("/");
    const after = {
      "`ping`": frame(request.ping),
      "another `lend`": frame(lend),
      "`run` with a terminal": frame(request.run, run.strings(["true"]).strings([]).finish()),
    };
    for (const [what, then] of Object.entries(after)) {
      const socket = await connectRaw(sandbox.socketPath);
      socket.write(Buffer.concat([frame(lend), then]));
      const answers = await readAll(socket);
      const misunderstood = Buffer.from([22, 0, 0, 0, 3]);
      assert.deepEqual(answers, Buffer.concat([frame(lent), frame(down.error, misunderstood)]), what);
    }
  });

  it("takes nothing but half of a pair from inside", async () => {
    const answers: Readonly<Record<string, string>> = {
      "nothing at all": "s.send(lent)",
      "a file": "give(open('/etc/hostname'))",
      "a connection over the network": `
listening = socket.create_server(('127.0.0.1', 0))
give(socket.create_connection(listening.getsockname()))`,
      "a socket with a name": `
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1] + '.named')
listening.listen()
caller = socket.socket(socket.AF_UNIX)
caller.connect(listening.getsockname())
give(listening.accept()[0])`,
      "one that takes packets": "give(socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)[0])",
      "one beside half an answer": "give(socket.socketpair()[0], lent[:2])",
      "one beside another answer": "give(socket.socketpair()[0], bytes([0, 0, 0, 0, 0x80]))",
      "none, as it leaves": "s.close()",
    };
    for (const [what, how] of Object.entries(answers)) {
      const { link, over } = await fakeGuest(pairs.directory, how);
      const [lane, from] = await pairs.make();
      const heard = readAll(lane);
      const started = start(["true"], from, () => void lane.write("r"), link);
      await assert.rejects(started, /no socket for the connection can be had/, what);
      from.destroy();
      assert.equal((await heard).length, 0, what);
      assert.equal(await over, "lend, and then nothing", what);
    }
    for (const how of [
      "give(socket.socketpair()[0])",
      "pair = socket.socketpair(); socket.send_fds(s, [lent], [end.fileno() for end in pair])", // one is taken
    ]) {
      const { link, over } = await fakeGuest(pairs.directory, how);
      const [lane, from] = await pairs.make();
      await assert.rejects(
        start(["true"], from, () => void lane.write("r"), link),
        /does not answer/,
      );
      assert.equal(await over, "lend, and then more", how);
    }
  });

  it("is given up at once when the call is, though the caller says nothing", async () => {
    const handlers = childrenOf(sandbox.initPid).length;
    const [, from] = await pairs.make();
    const call = new AbortController();
    const invite = () => void setTimeout(() => call.abort(), 100);
    const began = performance.now();
    await assert.rejects(link.spawn(commandOf(["true"], { wire: { from, invite } }), call.signal), {
      kind: "cancelled",
    });
    assert.ok(performance.now() - began < 2_000);
    await sandbox.waitUntilHandlers(handlers);
  });

  it("comes to nothing where the caller leaves", async () => {
    const handlers = childrenOf(sandbox.initPid).length;
    const [lane, from] = await pairs.make();
    const started = start(["true"], from, () => lane.destroy());
    await assert.rejects(started, /no socket for the connection can be had/);
    await sandbox.waitUntilHandlers(handlers);
  });
});

/** Somebody inside who has taken the guest's place, and answers `lend` as `how` says. */
async function fakeGuest(
  directory: string,
  how: string,
): Promise<{ link: GuestLink; over: Promise<string> }> {
  const path = join(directory, `guest-${randomUUID()}`);
  const program = `
import os, socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
print('there', flush=True)
s = listening.accept()[0]
assert s.recv(5, socket.MSG_WAITALL) == bytes([0, 0, 0, 0, ${lend}])
lent = bytes([0, 0, 0, 0, ${lent}])
def give(what, beside=lent):
    socket.send_fds(s, [beside], [what.fileno()])
${how}
def hears_more():
    try:
        return s.fileno() >= 0 and s.recv(1)
    except ConnectionError:
        return False
print('lend, and then ' + ('more' if hears_more() else 'nothing'))`;
  const child = spawn("python3", ["-c", program, path], { stdio: ["ignore", "pipe", "inherit"] });
  const said = createInterface(child.stdout)[Symbol.asyncIterator]();
  assert.equal((await said.next()).value, "there");
  return { link: new GuestLink(path, guestBinary), over: said.next().then(({ value }) => String(value)) };
}
