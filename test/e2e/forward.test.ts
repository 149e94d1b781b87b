import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Readable } from "node:stream";
import { waitUntil } from "../../src/lib/wait-until.js";
import { Lasting } from "./support/lasting.js";
import { freePort } from "./support/tcp.js";
import { Workbench } from "./support/tenki.js";

/** Says back all that it hears, once that is over: on a port, and on a socket where HTTP is spoken. */
const servers = `
import http.server, socketserver, threading
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        heard = bytearray()
        while data := self.request.recv(65536): heard += data
        self.request.sendall(heard)
class Tcp(socketserver.ThreadingTCPServer):
    request_queue_size = 256
    daemon_threads = True
class Http(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ("inside: " + self.path).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
    def address_string(self): return "socket"
class Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
tcp = Tcp(("0.0.0.0", 7000), Echo)
threading.Thread(target=tcp.serve_forever, daemon=True).start()
print("serving", flush=True)
Unix("/tmp/api.sock", Http).serve_forever()
`;

describe("forward and tunnel", () => {
  let bench: Workbench;
  const running: Lasting[] = [];
  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine();
    await bench.ok(["sandbox", "create", "--name", "demo"]);
    await bench.ok(["sandbox", "write", "--path", "servers.py"], { input: servers });
    await bench.ok(["sandbox", "exec", "-c", "setsid python3 servers.py > log 2>&1 < /dev/null &"]);
    await until(
      async () => (await bench.call(["sandbox", "exec", "--", "test", "-S", "/tmp/api.sock"])).code === 0,
    );
  });
  after(async () => {
    for (const { child } of running) child.kill("SIGKILL");
    await bench.close();
  });

  const begin = async (...args: readonly string[]) => {
    const begun = await Lasting.begin(bench, ...args);
    running.push(begun);
    return begun;
  };

  it("carries a hundred connections at once, half-closed, and what a slow reader leaves waits", async () => {
    const port = await freePort();
    const forward = await begin("forward", `${port}:7000`, "-v");
    assert.equal(forward.line, `127.0.0.1:${port} -> 7000\n`);
    const sent = Array.from({ length: 100 }, (_, index) => Buffer.from(`${index} `.repeat(1_000)));
    const heard = await Promise.all(sent.map((data) => echo(port, data)));
    for (const [index, data] of sent.entries()) assert.ok(heard[index]?.equals(data), `connection ${index}`);
    const large = randomBytes(64 << 20);
    assert.equal(digest(await echo(port, large)), digest(large));
    await forward.says(/connection 101: 127\.0\.0\.1:\d+ -> 7000: closed after \S+, 64 MiB in, 64 MiB out/);
    assert.doesNotMatch(forward.errors, /Warning/);
    assert.equal(await forward.interrupt(), 130);
  });

  it("makes a unix socket of one inside, which goes with it", async () => {
    const path = join(bench.home, "api.sock");
    const forward = await begin("forward", "./api.sock:/tmp/api.sock", "-v");
    assert.equal(await get({ socketPath: path, path: "/version" }), "inside: /version");
    const leaves = connect({ path });
    await forward.says(/connection 2: /);
    leaves.destroy();
    for (const number of [1, 2])
      await forward.says(new RegExp(`connection ${number}: .*api\\.sock: closed after `));
    assert.equal(statSync(path).mode & 0o777, 0o600, "it is the user's alone");
    assert.equal(await forward.interrupt(), 130);
    assert.equal(existsSync(path), false);
  });

  it("goes on after the engine was restarted, with new connections", async () => {
    const port = await freePort();
    const host = createServer((_, answer) => answer.end("from the host")).listen(0, "127.0.0.1");
    await once(host, "listening");
    const target = `127.0.0.1:${(host.address() as AddressInfo).port}`;
    const forward = await begin("forward", `${port}:7000`);
    const tunnel = await begin("tunnel", target, "--sandbox-port", "7100");
    const curl = () =>
      bench.call(["sandbox", "exec", "--quiet", "--", "curl", "-sS", "http://127.0.0.1:7100/"]);
    assert.equal((await curl()).stdout, "from the host");
    await bench.ok(["engine", "restart"], { timeoutMs: 120_000 });
    const back = await until(async () => (await curl()).stdout === "from the host");
    assert.ok(back, tunnel.errors);
    assert.match(tunnel.errors, /the tunnel is lost .*trying again/);
    assert.equal((await echo(port, Buffer.from("again"))).toString(), "again");
    host.close();
    host.closeAllConnections();
    assert.notEqual((await curl()).code, 0);
    await tunnel.says(/ECONNREFUSED/);
    assert.equal(tunnel.child.exitCode, null, "the tunnel ended with its host");
    assert.equal(await tunnel.interrupt(), 130);
    assert.equal(await forward.interrupt(), 130);
  });

  it("says what is wrong before it begins", async () => {
    const taken = createTcpServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const inUse = await bench.call(["sandbox", "forward", `${port}:80`]);
    assert.equal(inUse.code, 1);
    assert.match(
      inUse.stderr,
      new RegExp(`^error: port ${port} is in use on this machine\nhint: tenki sandbox forward \\d+:80\n$`),
    );
    const others = ["./a b.sock:/tmp/api.sock", `${port}:80`, "9000:81"];
    const among = await bench.call(["sandbox", "forward", "--session", "demo", ...others]);
    const [, hint = ""] = /^hint: (.*)$/m.exec(among.stderr) ?? [];
    assert.match(
      hint,
      /^tenki sandbox forward --session demo '\.\/a b\.sock:\/tmp\/api\.sock' \d+:80 9000:81$/,
    );
    assert.equal(existsSync(join(bench.home, "a b.sock")), false);
    taken.close();
    writeFileSync(join(bench.home, "file"), "kept");
    for (const [path, says] of [
      ["file", /^error: there is something at .*\/file already\n/],
      ["nowhere/api.sock", /^error: cannot listen on .*\/nowhere\/api\.sock: its directory is not there/],
    ] as const) {
      const { code, stderr } = await bench.call(["sandbox", "forward", `./${path}:/tmp/api.sock`]);
      assert.equal(code, 1, stderr);
      assert.match(stderr, says);
    }
    const long = await bench.call(["sandbox", "forward", `./${"a".repeat(108)}:/tmp/api.sock`]);
    assert.equal(long.code, 1);
    assert.match(long.stderr, /: the path of a socket has at most 107 bytes, and this one 1\d\d\n/);
    assert.match(long.stderr, /\nhint: tenki sandbox forward \/tmp\/a\.sock:\/tmp\/api\.sock\n$/);
    assert.deepEqual(
      readdirSync(bench.home).filter((name) => name.startsWith("aaa")),
      [],
    );
    const paused = await bench.json<{ id: string }>(["sandbox", "create", "--name", "paused"]);
    await bench.ok(["sandbox", "pause", "paused"]);
    const { code, stderr } = await bench.call(["sandbox", "forward", "--session", "paused", "8080:80"]);
    assert.equal(code, 1, stderr);
    assert.equal(
      stderr,
      `error: the session is not running (state=PAUSED)\nhint: tenki sandbox resume ${paused.id}\n`,
    );
    await bench.ok(["sandbox", "set", "demo"]);
    for (const spec of ["0", "70000", "abc", "1:2:3", "/run/a.sock"]) {
      const { code, stderr } = await bench.call(["sandbox", "forward", spec]);
      assert.equal(code, 2, spec);
      assert.ok(stderr.includes(spec), stderr);
    }
  });

  it("tells of a port that nobody listens on, and goes on", async () => {
    const port = await freePort();
    const forward = await begin("forward", `${port}:7999`);
    const socket = connect(port, "127.0.0.1");
    const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ECONNRESET");
    await forward.says(/nothing listens on port 7999/);
    assert.equal(forward.child.exitCode, null);
    await forward.interrupt();
  });
});

const until = (condition: () => Promise<boolean>): Promise<true | undefined> =>
  waitUntil(async () => ((await condition()) ? true : undefined), { timeoutMs: 30_000, intervalMs: 50 });

const digest = (data: Buffer): string => createHash("sha256").update(data).digest("hex");

/** Says it, ends, and hears what comes after that. */
async function echo(port: number, data: Buffer): Promise<Buffer> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const pieces: Buffer[] = [];
  socket.on("data", (piece: Buffer) => pieces.push(piece));
  socket.end(data);
  await once(socket, "end");
  return Buffer.concat(pieces);
}

async function get(where: { readonly socketPath: string; readonly path: string }): Promise<string> {
  const call = request(where).end();
  const [answer] = (await once(call, "response")) as [Readable];
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}
