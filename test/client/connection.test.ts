import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import * as http from "node:http";
import * as http2 from "node:http2";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Client, type ClientOptions, ConnectionError } from "../../src/client/index.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { holdTime } from "./passing-time.js";
import { access, scriptedService, sessionId } from "./scripted-service.js";

const directory = mkdtempSync(join(tmpdir(), "tenki-client-test-"));
after(() => rmSync(directory, { recursive: true }));

async function listening(server: net.Server | http2.Http2SecureServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

async function failure(baseUrl: string, options: ClientOptions = {}): Promise<ConnectionError> {
  const client = new Client({ authToken: "tk_x", baseUrl, env: {}, ...options });
  const error = await client.whoAmI().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  client.close();
  assert.ok(error instanceof ConnectionError, String(error));
  assert.equal(error.kind, "unavailable");
  return error;
}

test("an address where nothing listens", async () => {
  const server = net.createServer();
  const port = await listening(server);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  const error = await failure(`http://127.0.0.1:${port}`);
  assert.equal(error.message, `cannot reach http://127.0.0.1:${port}: connection refused`);
  assert.equal(error.hint, "`tenki engine start` starts the local engine");
  assert.equal(error.requestSent, false);
});

test("a name that nobody knows", async () => {
  const error = await failure("http://nothing.invalid:1");
  assert.match(
    error.message,
    /^cannot reach http:\/\/nothing\.invalid:1: (no such host|the name service does not answer)$/,
  );
});

test("a connection that is reset", async () => {
  const port = await listening(
    net.createServer((socket) => socket.on("error", () => undefined).resetAndDestroy()),
  );
  const error = await failure(`http://127.0.0.1:${port}`);
  assert.match(error.message, /connection reset|does not speak HTTP\/2/);
});

test("a service that speaks something else", async () => {
  const port = await listening(http.createServer((_, response) => response.end("hello")));
  const error = await failure(`http://127.0.0.1:${port}`);
  assert.equal(error.message, `http://127.0.0.1:${port} answers, but does not speak HTTP/2`);
  assert.equal(error.retryable, false);
});

test("a web server that is no Tenki service", async () => {
  const server = http2.createServer().on("stream", (stream) => {
    stream.respond({ ":status": 404, "content-type": "text/html" });
    stream.end("<html>");
  });
  const port = await listening(server);
  const client = new Client({ authToken: "tk_x", baseUrl: `http://127.0.0.1:${port}`, env: {} });
  await assert.rejects(client.whoAmI(), {
    kind: "unimplemented",
    message: `http://127.0.0.1:${port} answered SandboxService.WhoAmI with HTTP 404`,
    hint: "check the endpoint: is it a Tenki service?",
  });
  client.close();
});

test("a connection that is lost is opened again by the next call", async () => {
  await using service = await scriptedService({ sandbox: { whoAmI: () => ({ ownerId: "me" }) } });
  const client = service.client();
  await client.whoAmI();
  service.dropConnections();
  assert.equal((await client.whoAmI()).ownerId, "me");
});

test("many calls at once share one connection", async () => {
  await using service = await scriptedService({ sandbox: { whoAmI: () => ({ ownerId: "me" }) } });
  const client = service.client();
  await Promise.all(Array.from({ length: 50 }, () => client.whoAmI()));
  assert.equal(service.connections.size, 1);
});

test("an idle client does not keep the process alive, and a waiting call does", () => {
  const script = `
    const http2 = require("node:http2");
    import("${import.meta.dirname}/../../src/client/index.js").then(async ({ Client }) => {
      const server = http2.createServer().on("stream", (stream) => {
        stream.on("error", () => undefined);
        setTimeout(() => stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "16" }, { endStream: true }), 200);
      });
      server.on("session", (session) => session.unref());
      server.listen(0, "127.0.0.1", async () => {
        server.unref();
        const client = new Client({ authToken: "tk_x", baseUrl: "http://127.0.0.1:" + server.address().port, env: {} });
        await client.whoAmI().catch((error) => process.stdout.write(error.kind));
      });
    });`;
  const said = execFileSync(process.execPath, ["-e", script], { timeout: 20_000, encoding: "utf8" });
  assert.equal(said, "unauthenticated");
});

const certificate = join(directory, "cert.pem");
const key = join(directory, "key.pem");
execFileSync(
  "openssl",
  [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...[
      "-keyout",
      key,
      "-out",
      certificate,
      "-subj",
      "/CN=localhost",
      "-addext",
      "subjectAltName=DNS:localhost",
    ],
  ],
  { stdio: "ignore" },
);

function secureServer(): http2.Http2SecureServer {
  const server = http2.createSecureServer({ key: readFileSync(key), cert: readFileSync(certificate) });
  return server
    .on("sessionError", () => undefined)
    .on("stream", (stream) => {
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "grpc-status": "16" },
        { endStream: true },
      );
    });
}

test("a certificate that nobody vouches for is not trusted, and is when it is handed over", async () => {
  const port = await listening(secureServer());
  const error = await failure(`https://localhost:${port}`);
  assert.equal(error.message, `cannot trust https://localhost:${port}: its certificate is self-signed`);
  assert.equal(error.retryable, false);
  const rootCertificates = readFileSync(certificate, "utf8");
  const client = new Client({
    authToken: "tk_x",
    baseUrl: `https://localhost:${port}`,
    env: {},
    rootCertificates,
  });
  await assert.rejects(client.whoAmI(), { kind: "unauthenticated" });
  client.close();
});

test("a certificate for another name is not trusted", async () => {
  const port = await listening(secureServer());
  const error = await failure(`https://127.0.0.1:${port}`, { rootCertificates: [readFileSync(certificate)] });
  assert.equal(error.message, `cannot trust https://127.0.0.1:${port}: its certificate is for another name`);
});

test("https:// to a port without TLS, and http:// to one with", async () => {
  const plain = await listening(http2.createServer().on("sessionError", () => undefined));
  const secure = await listening(secureServer());
  assert.equal(
    (await failure(`https://127.0.0.1:${plain}`)).message,
    `cannot reach https://127.0.0.1:${plain}: it does not speak HTTP/2 over TLS`,
  );
  assert.equal(
    (await failure(`http://127.0.0.1:${secure}`)).message,
    `http://127.0.0.1:${secure} answers, but does not speak HTTP/2`,
  );
});

test("a call that is not answered ends when its time is up, and says what was waited for", async (t) => {
  const pass = holdTime(t);
  let asked: () => void = () => undefined;
  const forEver = (signal: AbortSignal) => {
    asked();
    return new Promise<object>((resolve) => signal.addEventListener("abort", () => resolve({})));
  };
  await using service = await scriptedService({
    sandbox: { whoAmI: (_, { signal }) => forEver(signal) },
    dataPlane: { stat: (_, { signal }) => forEver(signal) },
  });
  const client = service.client({ timeoutMs: 150 });
  const endsInTime = async (call: () => Promise<unknown>, what: string) => {
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const message = `no answer from ${service.endpoint} to ${what} within 150ms`;
    const refused = assert.rejects(call(), { kind: "deadline_exceeded", message });
    await isAsked;
    pass(150);
    await refused;
  };
  await endsInTime(() => client.whoAmI(), "SandboxService.WhoAmI");
  await endsInTime(() => client.session(sessionId).stat("x"), "SandboxSessionDataPlaneService.Stat");
});

test("the service is told how long its caller waits", async () => {
  const seen: (number | undefined)[] = [];
  await using service = await scriptedService({
    sandbox: {
      createSession: (_, context) => {
        seen.push(context.timeoutMs());
        return { session: { id: sessionId, state: 3 }, ...access() };
      },
      whoAmI: (_, context) => {
        seen.push(context.timeoutMs());
        return {};
      },
    },
  });
  const client = service.client();
  await client.create({ waitTimeoutMs: 90_000 });
  await client.whoAmI();
  assert.ok(Math.abs((seen[0] ?? 0) - 90_000) < 2_000, `${seen[0]}`);
  assert.ok(Math.abs((seen[1] ?? 0) - 30_000) < 2_000, `${seen[1]}`);
});

test("every request can be watched, and none shows a secret", async () => {
  await using service = await scriptedService({
    sandbox: { whoAmI: () => ({}) },
    dataPlane: {
      stat: () => ({ response: { exists: false } }),
      readFileStream: async function* () {
        yield { response: { eof: true } };
      },
    },
  });
  const seen: object[] = [];
  const client = service.client({ onRequest: (request) => seen.push(request) });
  await client.whoAmI();
  await client.session(sessionId).stat("x");
  await client.session(sessionId).readFile("x");
  await client
    .session(sessionId)
    .extend(1)
    .catch(() => undefined);
  await waitUntil(() => (seen.length >= 6 ? true : undefined), { timeoutMs: 5_000 });
  assert.deepEqual(
    seen.map((request) => ({ ...request, durationMs: 0 })),
    [
      { method: "SandboxService.WhoAmI" },
      { method: "SandboxService.CreateSessionCredential" },
      { method: "SandboxSessionDataPlaneService.Stat" },
      { method: "SandboxService.CreateSessionCredential" },
      { method: "SandboxSessionDataPlaneService.ReadFileStream" },
      {
        method: "SandboxService.ExtendSession",
        error: "[unimplemented] tenki.sandbox.v1.SandboxService.ExtendSession is not implemented",
      },
    ].map((request) => ({ ...request, endpoint: service.endpoint, durationMs: 0 })),
  );
  assert.doesNotMatch(JSON.stringify(seen), /tk_test|cert-1/);
});
