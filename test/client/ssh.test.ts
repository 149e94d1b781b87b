import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { after, test } from "node:test";
import { WebSocketServer, type WebSocket } from "ws";
import { SSHUnavailableError } from "../../src/client/index.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { scriptedService, sessionId, timestamp } from "./scripted-service.js";

/** A gateway that hands each connection over, and notes how it was asked. */
async function gateway(
  serve: (socket: WebSocket) => void,
): Promise<{ address: string; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket, request) => {
    requests.push(request);
    serve(socket);
  });
  await new Promise((resolve) => server.once("listening", resolve));
  after(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return { address: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

const echo = (socket: WebSocket) =>
  void socket.on("message", (data, isBinary) => {
    socket.send("a text that is no SSH");
    if (isBinary) socket.send(data);
  });

test("bytes go both ways through the gateway that the service names", async () => {
  const bridge = await gateway(echo);
  await using service = await scriptedService({
    ssh: {
      listActiveSSHGateways: () => ({
        gateways: [
          { healthy: false, wsBridgeEndpoint: "ws://127.0.0.1:1" },
          { healthy: true, wsBridgeEndpoint: `${bridge.address}/bridge/` },
        ],
      }),
    },
  });
  const connection = await service.client().session(sessionId).ssh();
  await connection.write(Buffer.from("SSH-2.0-test\r\n"));
  assert.equal(Buffer.from((await connection.read()) ?? []).toString(), "SSH-2.0-test\r\n");
  assert.equal(bridge.requests[0]?.url, `/bridge/v1/ssh/${sessionId}`);
  assert.equal(bridge.requests[0]?.headers.authorization, "Bearer tk_test");
  connection.close();
  assert.equal(await connection.read(), null);
  await assert.rejects(connection.write(Buffer.from("x")), { name: "StreamClosedError" });
});

test("a gateway that was named is used without asking", async () => {
  const bridge = await gateway(echo);
  await using service = await scriptedService({});
  for (const options of [
    { gatewayAddress: bridge.address.replace("ws:", "http:") },
    { env: { TENKI_SANDBOX_GATEWAY_URL: bridge.address } },
  ]) {
    const connection = await service.client(options).ssh(sessionId);
    connection.close();
  }
  assert.equal(bridge.requests.length, 2);
  assert.deepEqual(service.calls, []);
});

test("without any, the gateway is the API's own host", async () => {
  await using service = await scriptedService({});
  await assert.rejects(service.client().ssh(sessionId), {
    kind: "unavailable",
    message: new RegExp(`^cannot reach ${service.endpoint.replace("http", "ws")}`),
  });
});

test("a gateway that closes in order has ended, one that breaks has failed", async () => {
  const orderly = await gateway((socket) => {
    socket.send(Buffer.from("bye"));
    socket.close(1000);
  });
  const broken = await gateway((socket) => socket.terminate());
  await using service = await scriptedService({});
  const one = await service.client({ gatewayAddress: orderly.address }).ssh(sessionId);
  assert.equal(Buffer.from((await one.read()) ?? []).toString(), "bye");
  assert.equal(await one.read(), null);
  const other = await service.client({ gatewayAddress: broken.address }).ssh(sessionId);
  await assert.rejects(other.read(), { kind: "unavailable" });
});

test("a reader that is slow holds the gateway back", async () => {
  const total = 64 << 20;
  let sent = 0;
  const bridge = await gateway((socket) => {
    const more = () => {
      if (sent >= total) return socket.close(1000);
      sent += 64 * 1024;
      socket.send(Buffer.alloc(64 * 1024), more);
    };
    more();
  });
  await using service = await scriptedService({});
  const connection = await service.client({ gatewayAddress: bridge.address }).ssh(sessionId);
  let [last, since] = [-1, 0];
  await waitUntil(
    () => {
      if (sent !== last) [last, since] = [sent, Date.now()];
      return Date.now() - since > 300 ? true : undefined;
    },
    { timeoutMs: 10_000 },
  );
  assert.ok(sent < total / 2, `${sent} bytes were sent ahead`);
  let read = 0;
  for (let data = await connection.read(); data !== null; data = await connection.read()) read += data.length;
  assert.equal(read, total);
});

test("a refusal of the gateway is an error with its text", async () => {
  const refusals = [
    [401, "bad token", "UnauthorizedError"],
    [403, "not yours", "PermissionDeniedError"],
    [404, "no such session", "SessionNotFoundError"],
    [409, "state=PAUSED", "InvalidStateError"],
    [503, "no SSH here", "SSHUnavailableError"],
  ] as const;
  let at = 0;
  const server = createServer().on("upgrade", (_, socket) => {
    const [status, text] = refusals[at++] ?? [500, ""];
    socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => server.close());
  const gatewayAddress = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using service = await scriptedService({});
  for (const [, message, name] of refusals) {
    await assert.rejects(service.client({ gatewayAddress }).ssh(sessionId), { name, message });
  }
});

test("a gateway that takes the connection and says nothing is given up", async () => {
  const sockets: Duplex[] = [];
  const server = createServer().on("upgrade", (_, socket) => void sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const gateway = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using service = await scriptedService({});
  await assert.rejects(service.client().session(sessionId).ssh({ gateway, connectTimeoutMs: 100 }), {
    ...{ name: "ConnectionError", kind: "unavailable" },
    message: `cannot reach ${gateway}: it has said nothing for 0.1 s`,
  });
});

test("a gateway's address that is none is refused", async () => {
  await using service = await scriptedService({});
  await assert.rejects(service.client({ gatewayAddress: "somewhere" }).ssh(sessionId), SSHUnavailableError);
});

test("a certificate is asked for with the key, and comes with what it allows", async () => {
  let ttl: bigint | undefined;
  await using service = await scriptedService({
    ssh: {
      issueSandboxSSHCert: ({ publicKey, requestedTtl }) => {
        ttl = requestedTtl?.seconds;
        return {
          ...{ sshCert: `cert of ${publicKey}`, caPub: "ca", certSerial: "1f", expiresAt: timestamp(90_000) },
          ...{ renewalAfter: { seconds: 450n, nanos: 0 }, permissions: { allowPty: true } },
        };
      },
    },
  });
  const cert = await service
    .client()
    .issueSandboxSSHCert(sessionId, "ssh-ed25519 AAAA\n", { ttlMs: 600_000 });
  assert.equal(ttl, 600n);
  assert.equal(cert.sshCert, "cert of ssh-ed25519 AAAA");
  assert.deepEqual(
    [cert.caPub, cert.certSerial, cert.expiresAt, cert.renewalAfterMs],
    ["ca", "1f", new Date(90_000), 450_000],
  );
  assert.equal(cert.permissions?.allowPty, true);
  assert.equal(cert.permissions.allowX11Forwarding, false);
});
