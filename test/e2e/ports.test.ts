import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, realpathSync, truncateSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { dirname, join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { WebSocket } from "ws";
import { Client, type Session } from "../../src/client/index.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { peakMemoryMb } from "./support/memory.js";
import { type EngineStarted, ended, Workbench } from "./support/tenki.js";

interface Exposed {
  readonly port: number;
  readonly preview_url: string;
}

describe("exposed ports", () => {
  let bench: Workbench;
  let engine: EngineStarted;
  let client: Client;
  let session: Session;
  /** Of a service that is bound to 127.0.0.1 inside. */
  let url: string;
  before(async () => {
    bench = await Workbench.open();
    engine = await bench.startEngine();
    client = new Client({ authToken: engine.token, baseUrl: engine.endpoint });
    session = await client.create({ name: "web", allowInbound: true });
    await bench.ok(["sandbox", "set", "web"]);
    await startServices();
    url = (await expose("3000")).preview_url;
  });
  after(async () => {
    client.close();
    await bench.close();
  });

  const expose = (...words: string[]) => bench.json<Exposed>(["sandbox", "expose", ...words]);
  const inside = async (line: string) =>
    Buffer.from((await session.exec("sh", { args: ["-c", line] })).stdout).toString();
  const status = async (at: string) => (await fetch(at)).status;
  const curl = async (...args: string[]) => {
    const child = spawn("curl", ["-sS", ...args], { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString("latin1")));
    assert.equal(await ended(child), 0);
    return said;
  };
  /** It loses its data directory's lock and its sockets, and nothing else. */
  const restartEngine = async (...flags: string[]) => {
    const { port } = new URL(engine.endpoint);
    process.kill(engine.pid, "SIGKILL");
    engine = await bench.startEngine("--listen", `127.0.0.1:${port}`, ...flags);
  };

  async function startServices(): Promise<void> {
    const ws = dirname(realpathSync(createRequire(import.meta.url).resolve("ws/package.json")));
    await bench.ok(["sandbox", "cp", "-r", ws, "web:ws"]);
    await bench.ok(["sandbox", "cp", process.execPath, "web:node"]);
    await bench.ok(["sandbox", "cp", resolve("test/e2e/support/web-service.cjs"), "web:service.cjs"]);
    const start = "setsid ./node service.cjs 3000 /home/tenki/ws";
    await inside(`${start} > log 2>&1 < /dev/null & until grep -q listening log; do sleep 0.05; done`);
    const files = "setsid python3 -u -m http.server 8000";
    await inside(`${files} > log2 2>&1 < /dev/null & until grep -q Serving log2; do sleep 0.05; done`);
  }

  it("open as they are, on a loopback port each, whatever address the service is bound to", async () => {
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(await curl(url), "hello from inside");
    const files = await expose("--port", "8000", "--ttl", "1h");
    assert.match(await curl(files.preview_url), /service\.cjs/);
    const listed = await bench.json<(Exposed & { expires_at: string | null })[]>(["sandbox", "ports"]);
    assert.deepEqual(
      listed.map(({ port, preview_url: at, expires_at: end }) => [port, at, end === null]),
      [
        [3000, url, true],
        [8000, files.preview_url, false],
      ],
    );
    assert.match(await bench.ok(["sandbox", "unexpose", "8000"]), /^$/);
    await assert.rejects(fetch(files.preview_url));
  });

  it("are opened in the browser that is there, and told where there is none", async () => {
    const seen = join(bench.home, "opened");
    const script = join(bench.home, "browser");
    writeFileSync(script, `#!/bin/sh\nprintf '%s\\n' "$@" > ${seen}.new && mv ${seen}.new ${seen}\n`, {
      mode: 0o755,
    });
    const open = async (env: Record<string, string>) => {
      const done = await bench.call(["sandbox", "expose", "8000", "--open", "--json"], { env });
      assert.equal(done.code, 0, done.stderr);
      await bench.ok(["sandbox", "unexpose", "8000"]);
      return { at: (JSON.parse(done.stdout) as Exposed).preview_url, stderr: done.stderr };
    };
    const shown = await open({ BROWSER: `/nobody/home:${script} --new-window` });
    const told = await waitUntil(() => (existsSync(seen) ? readFileSync(seen, "utf8") : undefined), {
      timeoutMs: 10_000,
    });
    assert.equal(told, `--new-window\n${shown.at}\n`);
    const alone = await open({});
    assert.equal(
      alone.stderr,
      `there is no display here: open ${alone.at} where there is one, or set BROWSER\n`,
    );
    const missing = await open({ BROWSER: "/nobody/home" });
    assert.match(
      missing.stderr,
      /^no browser could be opened: \/nobody\/home is not there; BROWSER names another\n$/,
    );
  });

  it("keep connections, and say who asked", async () => {
    const seen = await curl("-w", "%{num_connects}\n", "-o", "/dev/null", "-o", "/dev/null", url, url);
    assert.equal(seen, "1\n0\n");
    const headers = JSON.parse(await curl(`${url}/headers`)) as Record<string, string>;
    assert.equal(headers["x-forwarded-host"], new URL(url).host);
    assert.equal(headers["x-forwarded-proto"], "http");
    assert.equal(headers["x-forwarded-for"], "127.0.0.1");
  });

  it("carry events and WebSockets", async () => {
    assert.equal(await curl("-N", `${url}/events`), "data: 1\n\ndata: 2\n\ndata: 3\n\n");
    const socket = new WebSocket(url.replace("http", "ws"));
    await once(socket, "open");
    const large = Buffer.alloc(1_000_000, "a");
    socket.send(large);
    assert.deepEqual(((await once(socket, "message")) as [Buffer])[0], large);
    socket.close();
    await once(socket, "close");
  });

  it("carry a thousand WebSockets that lie idle, and what each says after that", async () => {
    const sockets = Array.from({ length: 1_000 }, () => new WebSocket(url.replace("http", "ws")));
    try {
      await Promise.all(sockets.map((socket) => once(socket, "open")));
      assert.equal(await status(url), 200, "others are served meanwhile");
      const heard = sockets.map(async (socket, index) => {
        const answer = once(socket, "message");
        socket.send(String(index));
        return String(((await answer) as [Buffer])[0]);
      });
      assert.deepEqual(
        await Promise.all(heard),
        sockets.map((_, index) => String(index)),
      );
    } finally {
      for (const socket of sockets) socket.terminate();
    }
  });

  it("carry a gigabyte each way in constant memory", async () => {
    const down = spawn("sh", ["-c", `curl -sS ${url}/gigabyte | wc -c`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [downMb, [counted]] = await Promise.all([
      peakMemoryMb(engine.pid, down),
      once(down.stdout, "data") as Promise<[Buffer]>,
    ]);
    assert.equal(String(counted).trim(), "1000000000");
    const path = join(bench.home, "large");
    writeFileSync(path, "");
    truncateSync(path, 1_000_000_000);
    const up = spawn("curl", ["-sS", "-X", "POST", "-T", path, url], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [upMb, [answer]] = await Promise.all([
      peakMemoryMb(engine.pid, up),
      once(up.stdout, "data") as Promise<[Buffer]>,
    ]);
    assert.equal(String(answer), "1000000000");
    assert.ok(Math.max(downMb, upMb) < 300, `${downMb} MB down, ${upMb} MB up`);
  });

  it("carry every byte there and back as it was", async () => {
    const [there, back] = [join(bench.home, "there"), join(bench.home, "back")];
    const bytes = randomBytes(64 << 20);
    writeFileSync(there, bytes);
    for (const framing of ["Transfer-Encoding: chunked", "Transfer-Encoding:"]) {
      await curl("-X", "POST", "-H", framing, "-T", there, "-o", back, `${url}/echo`);
      assert.ok(readFileSync(back).equals(bytes), framing);
    }
  });

  it("carry bytes, whatever they say", async () => {
    await bench.ok(["sandbox", "unexpose", "3000"]);
    const { preview_url: at } = await expose("3000", "--tcp");
    assert.match(at, /^tcp:\/\/127\.0\.0\.1:\d+$/);
    const socket = connect(Number(new URL(at).port), "127.0.0.1");
    socket.write("GET / HTTP/1.0\r\n\r\n");
    let said = "";
    socket.on("data", (chunk: Buffer) => (said += chunk.toString()));
    await once(socket, "close");
    assert.match(said, /hello from inside$/);
    await bench.ok(["sandbox", "unexpose", "3000"]);
    url = (await expose("3000")).preview_url;
  });

  it("say that nobody listens, and that the session is paused, and go on when it does", async () => {
    const silent = await expose("3999");
    assert.equal(await status(silent.preview_url), 502);
    await bench.ok(["sandbox", "pause"]);
    const paused = await fetch(url);
    assert.equal(paused.status, 503);
    assert.match(await paused.text(), /tenki sandbox resume/);
    await bench.ok(["sandbox", "resume"]);
    assert.equal(await (await fetch(url)).text(), "hello from inside");
  });

  it("are refused in so many words where they cannot be", async () => {
    const said = async (words: readonly string[]) => {
      const { code, stderr } = await bench.call(["sandbox", ...words]);
      return [code, stderr.replace(/[0-9a-f-]{36}/g, "ID").replace(url, "URL")];
    };
    await client.create({ name: "closed" });
    assert.deepEqual(await said(["expose", "3000"]), [
      1,
      "error: port 3000 is exposed already: URL\nhint: tenki sandbox unexpose 3000 takes that back\n",
    ]);
    const [code, inbound] = await said(["expose", "3000", "--session", "closed"]);
    assert.equal(code, 1);
    assert.match(String(inbound), /^error: inbound access is disabled for session ID/);
    const [missing, unexposed] = await said(["unexpose", "4444"]);
    assert.equal(missing, 4);
    assert.match(String(unexposed), /^error: port 4444 is not exposed/);
    await bench.ok(["sandbox", "preview-url", "create", "taken"]);
    const [taken, slug] = await said(["preview-url", "create", "taken"]);
    assert.equal(taken, 1);
    assert.match(String(slug), /^error: the slug taken is taken/);
    assert.equal((await said(["preview-url", "get", "nobody"]))[0], 4);
    const [double, again] = await said(["expose", "3001", "--slug", "taken"]);
    assert.equal(double, 1);
    assert.match(String(again), /^error: the slug taken is taken\nhint: /);
    await bench.ok(["sandbox", "preview-url", "delete", "taken"]);
    const many = await client.create({ name: "many", allowInbound: true });
    for (let port = 1; port <= 20; port += 1) await many.exposePort(port);
    assert.deepEqual(await said(["expose", "21", "--session", "many"]), [
      1,
      "error: the session has the maximum exposed ports already: 20\nhint: tenki sandbox unexpose PORT makes room\n",
    ]);
    await many.close();
  });

  it("have the same URL after the engine was killed, and a name below a domain besides", async () => {
    await restartEngine("--preview-domain", "localhost");
    assert.equal(await (await fetch(url)).text(), "hello from inside");
    const named = await expose("8000", "--slug", "demo");
    const at = new URL(named.preview_url);
    assert.match(at.hostname, /^demo--[0-9a-f]{8}\.localhost$/);
    assert.match(await curl(named.preview_url), /service\.cjs/);
    assert.match(await curl(`http://nobody${at.host.slice(4)}`), /^nothing is here/);
    const socket = connect(Number(at.port), "127.0.0.1");
    socket.write(`GET /tenki.sandbox.v1.SandboxService/WhoAmI HTTP/1.1\r\nHost: ${at.host}\r\n\r\n`);
    assert.match(String(((await once(socket, "data")) as [Buffer])[0]), /^HTTP\/1\.[01] 404 File not found/);
    socket.destroy();
    engine = await bench.json<EngineStarted>(["engine", "restart"]);
    assert.match(await curl(named.preview_url), /service\.cjs/);
  });

  it("open for a viewer who has the link, and leave no token behind", async () => {
    const { previewUrl, viewerToken } = await session.openPreview(3000);
    const jar = join(bench.home, "cookies");
    assert.equal(await curl("-L", "-c", jar, "-b", jar, previewUrl), "hello from inside");
    const door = new URL(previewUrl);
    door.search = "";
    assert.equal(await curl("-b", jar, door.href), "hello from inside");
    assert.match(await curl(door.href), /^not for everybody/);
    assert.equal(readFileSync(join(bench.dataDir, "engine.log"), "utf8").includes(viewerToken), false);
  });

  it("are reached under a preview URL, which moves, and stays when its session goes", async () => {
    const words = ["sandbox", "preview-url"];
    const created = await bench.json<{ id: string; preview_url: string }>([...words, "create", "shop"]);
    assert.match(await curl(created.preview_url), /^the address points at nothing/);
    await bench.ok([...words, "bind", "shop", "--port", "3000"]);
    assert.equal(await curl(created.preview_url), "hello from inside");
    await bench.ok(["sandbox", "terminate", "--yes", "web"]);
    await assert.rejects(fetch(url));
    assert.match(await curl(created.preview_url), /^the address points at nothing/);
    const got = await bench.json<{ session_id: string | null }>([...words, "get", created.id]);
    assert.equal(got.session_id, null);
    await bench.ok([...words, "delete", "shop"]);
    assert.deepEqual(await bench.json([...words, "list"]), []);
  });
});
