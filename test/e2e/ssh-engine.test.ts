import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { WebSocket } from "ws";
import type { Session } from "../../src/client/index.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { killEngine } from "./support/lose-machine.js";
import { SshClient } from "./support/ssh.js";
import { type EngineStarted, Workbench } from "./support/tenki.js";

const soon = { timeoutMs: 30_000, intervalMs: 200 };

describe("an engine with open SSH connections", () => {
  let bench: Workbench;
  let ssh: SshClient;
  let engine: EngineStarted;
  let session: Session;
  before(async () => {
    bench = await Workbench.open();
    engine = await bench.startEngine();
    ssh = new SshClient(bench, engine);
    const key = await ssh.makeKey("key", "-t", "ed25519");
    const keys = ["--authorized-keys-file", `${key}.pub`];
    await bench.ok(["sandbox", "create", "--name", "first", "--memory-mb", "4096", ...keys]);
    session = await ssh.session("first");
    await ssh.certify(session);
  });
  after(async () => {
    ssh.client.close();
    await bench.close();
  });

  const dial = () =>
    new WebSocket(`${engine.endpoint.replace("http", "ws")}/v1/ssh/${session.id}`, {
      headers: { authorization: `Bearer ${engine.token}` },
      perMessageDeflate: false,
    });

  async function greeted(): Promise<WebSocket> {
    const socket = dial();
    const [data] = (await once(socket, "message")) as [Buffer];
    assert.match(data.toString(), /^SSH-2\.0-OpenSSH/);
    return socket;
  }

  const count = async (pattern: string) =>
    Number(
      await bench.ok(["sandbox", "exec", "-q", "--session", "first", "-c", `pgrep -fc '${pattern}' || true`]),
    );

  const untilNoServers = async () =>
    assert.ok(
      await waitUntil(async () => (await count("[s]shd(-session|-auth)?:")) === 0 || undefined, soon),
      "a server is left",
    );

  const residentMb = () =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${engine.pid}/status`, "utf8"))?.[1]) / 1_000;

  const hostile: Record<string, Buffer> = {
    "no SSH at all": Buffer.from("GET / HTTP/1.0\r\n\r\n"),
    "a version that there never was": Buffer.from("SSH-9.9-x\r\n"),
    "random bytes after the greeting": Buffer.concat([
      Buffer.from("SSH-2.0-x\r\n"),
      Buffer.alloc(100_000, 0xff),
    ]),
  };
  for (const [what, bytes] of Object.entries(hostile)) {
    it(`ends a client that says ${what}`, async () => {
      const socket = await greeted();
      socket.send(bytes);
      assert.equal((await once(socket, "close"))[0], 1000);
      await untilNoServers();
    });
  }

  it("holds a hundred connections in little memory, and lets go of each", async () => {
    const before_ = residentMb();
    const sockets: WebSocket[] = [];
    for (let round = 0; round < 10; round += 1) {
      sockets.push(...(await Promise.all(Array.from({ length: 10 }, greeted))));
    }
    assert.equal(await count("[s]shd(-session)?: .accepted"), 100);
    assert.ok(residentMb() - before_ < 60, `${residentMb() - before_} MB for a hundred connections`);
    const closed = sockets.map((socket) => once(socket, "close"));
    for (const socket of sockets.slice(50)) socket.terminate();
    for (const socket of sockets.slice(0, 50)) socket.close(1000);
    await Promise.all(closed);
    await untilNoServers();
  });

  it("carries much in little memory, and waits for who is slow", async () => {
    const before_ = residentMb();
    const child = ssh.start(session, "head -c 400000000 /dev/zero");
    child.stdin.end();
    let seen: number[] = [];
    await waitUntil(() => {
      seen = [...seen, residentMb()];
      return seen.length > 5 && seen.at(-1) === seen.at(-2) ? true : undefined;
    }, soon);
    let bytes = 0;
    child.stdout.on("data", (data: Buffer) => {
      bytes += data.length;
      if (bytes % 16 === 0) seen.push(residentMb());
    });
    assert.deepEqual(await once(child, "close"), [0, null]);
    assert.equal(bytes, 400_000_000);
    assert.ok(Math.max(...seen) - before_ < 100, `${Math.max(...seen) - before_} MB more`);
  });

  it("gives a session that is made of a snapshot host keys of its own, and leaves a resumed one its own", async () => {
    const hostKeys = async (name: string) => (await ssh.session(name)).getSshHostKeys();
    const before = await hostKeys("first");
    await bench.ok(["sandbox", "snapshot", "create", "first", "--name", "base"]);
    await bench.ok(["sandbox", "snapshot", "restore", "base", "--name", "restored", "--memory-mb", "256"]);
    assert.notDeepEqual(await hostKeys("restored"), before);
    await bench.ok(["sandbox", "terminate", "restored", "--yes"]);
    await bench.ok(["sandbox", "set", "first"]);
    await bench.ok(["sandbox", "pause", "first"]);
    await bench.ok(["sandbox", "resume", "first"]);
    assert.deepEqual(await hostKeys("first"), before);
    assert.equal((await ssh.run(session, "echo checked")).stdout, "checked\n", "with the key pinned before");
  });

  const restarts = {
    "a restart": async () => void (await bench.ok(["engine", "stop"])),
    "kill -9": () => killEngine(engine.pid),
  };
  for (const [what, end] of Object.entries(restarts)) {
    it(`ends them at ${what}; what they started goes on, and the next find the same host key`, async () => {
      const start = "(setsid sleep 4711 >/dev/null 2>&1 &); echo up; cat";
      const open = ssh.start(session, start, { flags: ["-tt"] });
      await once(open.stdout, "data");
      const ended = once(open, "close");
      await end();
      assert.deepEqual(await ended, [255, null]);
      const port = new URL(engine.endpoint).port;
      engine = await bench.startEngine("--listen", `127.0.0.1:${port}`);
      const again = async () => (await ssh.run(session, "pgrep -fxc 'sleep 4711'; pkill sleep")).stdout;
      assert.equal(await again(), "1\n", "with the certificate and the pinned key from before");
      await untilNoServers();
    });
  }
});
