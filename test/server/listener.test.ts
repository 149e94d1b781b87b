import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request as httpsRequest } from "node:https";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { WebSocket, WebSocketServer } from "ws";
import { TenkiError } from "../../src/domain/error.js";
import { parseListenAddress } from "../../src/engine/server/listen-address.js";
import type { ListenOptions } from "../../src/engine/server/listener.js";
import { runProcess } from "../../src/lib/process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { connect, openServer, protocols, sessionA, token } from "./test-server.js";

const methods = { sandbox: { whoAmI: () => ({ ownerId: "self" }) } };
const open = (listen: Partial<ListenOptions> = {}) => openServer(methods, listen);

describe("listening", () => {
  it("says that a port is taken, and what to do", async () => {
    const first = await open();
    const port = Number(new URL(first.url).port);
    await assert.rejects(open({ port }), (error: unknown) => {
      assert.ok(error instanceof TenkiError);
      assert.equal(error.kind, "failed_precondition");
      assert.equal(error.message, `cannot listen on 127.0.0.1:${port}: the port is taken`);
      assert.match(error.hint ?? "", /--listen 127\.0\.0\.1:0/);
      return true;
    });
    await first.stop();
  });

  it("refuses an address that others can reach, unless it is told to or has TLS", async () => {
    for (const host of ["0.0.0.0", "::", "example.test"]) {
      await assert.rejects(open({ host }), (error: unknown) => {
        assert.ok(error instanceof TenkiError);
        assert.match(`${error.message} ${error.hint}`, /other machines.*--tls-cert.*--insecure-listen/);
        return true;
      });
    }
    await (await open({ host: "0.0.0.0", insecure: true })).stop();
  });

  it("takes calls before it is ready, and answers them then", async () => {
    let begin: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => (begin = resolve));
    const server = await openServer({ ...methods, ready });
    let answered = false;
    const answer = connect(server.url)
      .sandbox.whoAmI({})
      .finally(() => (answered = true));
    for (let time = 0; time < 5; time += 1) {
      assert.equal(await refusedUpgrade(server.url), 404, "what needs nothing is answered meanwhile");
    }
    assert.equal(answered, false);
    begin();
    assert.equal((await answer).ownerId, "self");
    await server.stop();
  });

  it("serves on IPv6 too", async () => {
    const server = await open({ host: "::1" });
    assert.match(server.url, /^http:\/\/\[::1\]:\d+$/);
    assert.equal((await connect(server.url).sandbox.whoAmI({})).ownerId, "self");
    await server.stop();
  });

  it("takes its address as host:port only", () => {
    assert.deepEqual(parseListenAddress("127.0.0.1:0"), { host: "127.0.0.1", port: 0 });
    assert.deepEqual(parseListenAddress("[::1]:8365"), { host: "::1", port: 8365 });
    for (const text of ["", "8365", "127.0.0.1", "127.0.0.1:65536", ":1", "::1:1", "a b:1", "http://a:1"]) {
      assert.throws(() => parseListenAddress(text), { kind: "usage" });
    }
  });
});

describe("connections that say little", () => {
  let server: Awaited<ReturnType<typeof open>>;
  before(async () => void (server = await open({ greetingTimeoutMs: 150 })));
  after(() => server.stop());
  const dial = async (): Promise<Socket> => {
    const socket = connectTcp(Number(new URL(server.url).port), "127.0.0.1");
    socket.on("error", () => undefined);
    await once(socket, "connect");
    return socket;
  };

  for (const [what, bytes] of Object.entries({
    nothing: "",
    "half a preface": "PRI * HTTP/2.0\r\n",
    "one byte": "P",
  })) {
    it(`are cut after ${what}`, async () => {
      const socket = await dial();
      socket.write(bytes);
      socket.resume();
      await once(socket, "close", { signal: AbortSignal.timeout(3_000) });
    });
  }

  it("are served as HTTP/1.1 as soon as it can be nothing else, byte by byte", async () => {
    const socket = await dial();
    const bytes = `PUT / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;
    for (const byte of bytes) {
      socket.write(byte);
      await new Promise(setImmediate);
    }
    assert.match(await text(socket), /^HTTP\/1\.1 404 /);
  });

  it("are served as HTTP/2 when the preface comes in pieces", async () => {
    const socket = await dial();
    for (const piece of ["PRI", " * HTTP/2.0\r\n\r\nSM", "\r\n\r\n"]) {
      socket.write(piece);
      await new Promise(setImmediate);
    }
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])); // an empty SETTINGS frame
    const [first] = (await once(socket, "data")) as [Buffer];
    assert.equal(first[3], 4, "the server's own SETTINGS come first");
    socket.destroy();
  });

  it("do not keep the engine from stopping", async () => {
    const other = await open();
    const socket = connectTcp(Number(new URL(other.url).port), "127.0.0.1");
    socket.on("error", () => undefined).resume();
    await once(socket, "connect");
    const startedAt = performance.now();
    await Promise.all([other.stop(), once(socket, "close")]);
    assert.ok(performance.now() - startedAt < 2_500, "it was waited for");
  });
});

describe("TLS", () => {
  let directory: string;
  let ca: string;
  let server: Awaited<ReturnType<typeof open>>;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "tenki-tls-"));
    const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
    const request =
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost";
    const names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    await runProcess(["openssl", ...request.split(" "), ...names, "-keyout", key, "-out", cert]);
    ca = readFileSync(cert, "utf8");
    server = await open({
      tls: { cert: readFileSync(cert), key: readFileSync(key) },
      greetingTimeoutMs: 150,
    });
  });
  after(async () => {
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  for (const protocol of protocols) {
    it(`carries ${protocol}`, async () => {
      assert.match(server.url, /^https:/);
      const { sandbox } = connect(server.url, { protocol, nodeOptions: { ca } });
      assert.equal((await sandbox.whoAmI({})).ownerId, "self");
    });
  }

  it("carries HTTP/1.1 for a client that negotiates nothing", async () => {
    const agent = new Agent({ ca, ALPNProtocols: [] });
    const status = await new Promise((resolve, reject) => {
      httpsRequest(`${server.url}/none`, { method: "POST", agent }, ({ statusCode }) => resolve(statusCode))
        .on("error", reject)
        .end();
    });
    agent.destroy();
    assert.equal(status, 404);
  });

  it("cuts a client that never shakes hands", async () => {
    const socket = connectTcp(Number(new URL(server.url).port), "127.0.0.1");
    socket.on("error", () => undefined).resume();
    await once(socket, "close", { signal: AbortSignal.timeout(3_000) });
  });
});

describe("upgrades", () => {
  it("reach the handler of their path, and no other", async () => {
    const sockets = new WebSocketServer({ noServer: true });
    const server = await openServer({
      ...methods,
      upgrades: [
        {
          prefix: "/v1/echo/",
          handle: (request, socket, head) =>
            sockets.handleUpgrade(request, socket, head, (socket) =>
              socket.on("message", (data) => socket.send(data)),
            ),
        },
      ],
    });
    const at = (path: string, origin?: string) =>
      new WebSocket(`${server.url.replace("http", "ws")}${path}`, origin === undefined ? {} : { origin });
    const echo = at("/v1/echo/x");
    await once(echo, "open");
    echo.send("hello");
    assert.equal(String((await once(echo, "message"))[0]), "hello");
    echo.close();
    assert.equal(await statusOf(at("/v1/none")), 404);
    assert.equal(await statusOf(at("/v1/echo/x", "https://evil.example")), 403);
    await server.stop();
  });
});

describe("stopping", () => {
  it("lets a unary call end and refuses new ones", async () => {
    let finish: () => void = () => undefined;
    const called = new Promise<void>((resolve) => (finish = resolve));
    let entered = false;
    const server = await openServer({
      sandbox: {
        whoAmI: async () => {
          entered = true;
          await called;
          return { ownerId: "self" };
        },
      },
    });
    const { sandbox } = connect(server.url);
    const answer = sandbox.whoAmI({});
    await waitUntil(() => (entered ? true : undefined), { timeoutMs: 2_000 });
    const stopped = server.stop();
    await assert.rejects(connect(server.url).sandbox.whoAmI({}), /ECONNREFUSED/);
    finish();
    assert.equal((await answer).ownerId, "self");
    await stopped;
  });

  it("ends a stream that does not end, saying why", async () => {
    const server = await openServer({
      sandbox: {
        async *waitSession(_request, { signal }) {
          yield { session: { id: sessionA } };
          await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
          throw signal.reason;
        },
      },
    });
    const stream = connect(server.url, { headers: { authorization: `Bearer ${token}` } }).sandbox.waitSession(
      {
        sessionId: sessionA,
      },
    );
    const messages: unknown[] = [];
    const ended = (async () => {
      for await (const message of stream) messages.push(message);
    })();
    await waitUntil(() => (messages.length > 0 ? true : undefined), { timeoutMs: 2_000 });
    const check = assert.rejects(ended, (error: unknown) => {
      assert.equal(ConnectError.from(error).code, Code.Unavailable);
      assert.match(ConnectError.from(error).rawMessage, /the engine is stopping/);
      return true;
    });
    await Promise.all([server.stop(), check]);
  });
});

/** The status that an upgrade of an unknown path is refused with. */
async function refusedUpgrade(url: string): Promise<number | undefined> {
  return statusOf(new WebSocket(`${url.replace("http", "ws")}/v1/none`));
}

async function statusOf(socket: WebSocket): Promise<number | undefined> {
  socket.on("error", () => undefined);
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, { statusCode?: number }];
  return response.statusCode;
}

async function text(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
