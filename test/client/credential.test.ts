import assert from "node:assert/strict";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { Client, DataPlaneNotReadyError, UnauthorizedError } from "../../src/client/index.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import {
  access,
  credentialOf,
  scriptedService,
  sessionId,
  type ScriptedService,
} from "./scripted-service.js";

interface Issuing {
  readonly seen: string[];
  readonly service: ScriptedService;
}

/** Issues cert-1, cert-2, … and notes which of them `Stat` is called with. */
async function issuing(
  lifetimeMs: number,
  refuse: (credential: string) => boolean = () => false,
): Promise<Issuing> {
  const seen: string[] = [];
  let issued = 0;
  const service = await scriptedService({
    sandbox: { createSessionCredential: () => access(`cert-${++issued}`, lifetimeMs) },
    dataPlane: {
      stat: (_request, context: HandlerContext) => {
        const credential = credentialOf(context) ?? "none";
        seen.push(credential);
        if (refuse(credential)) throw new ConnectError("credential expired", Code.Unauthenticated);
        return { response: { exists: false } };
      },
    },
  });
  return { seen, service };
}

test("one credential serves many calls", async () => {
  const { seen, service } = await issuing(3_600_000);
  await using _ = service;
  const session = service.client().session(sessionId);
  for (let call = 0; call < 3; call++) await session.stat("x");
  assert.deepEqual(seen, ["cert-1", "cert-1", "cert-1"]);
  assert.equal(service.count("CreateSessionCredential"), 1);
});

test("calls that begin at once share one request for a credential", async () => {
  const { service } = await issuing(3_600_000);
  await using _ = service;
  const session = service.client().session(sessionId);
  await Promise.all(Array.from({ length: 20 }, () => session.stat("x")));
  assert.equal(service.count("CreateSessionCredential"), 1);
});

test("a credential is renewed while it is still good", async () => {
  const lifetimeMs = 1_500;
  const { seen, service } = await issuing(lifetimeMs);
  await using _ = service;
  const session = service.client().session(sessionId);
  const begun = Date.now();
  await session.stat("x");
  const renewed = await waitUntil(
    async () => {
      await session.stat("x");
      return seen.at(-1) === "cert-2" ? Date.now() : undefined;
    },
    { timeoutMs: 5_000, intervalMs: 5 },
  );
  assert.ok(renewed !== undefined);
  assert.ok(renewed - begun >= lifetimeMs * 0.7, `renewed after ${renewed - begun} ms`);
  assert.ok(renewed - begun < lifetimeMs, `renewed only after ${renewed - begun} ms`);
});

test("a credential that can still be used is used when no other is to be had", async () => {
  let issued = 0;
  await using service = await scriptedService({
    sandbox: {
      createSessionCredential: () => {
        if (issued++ > 0) throw new ConnectError("not now", Code.Internal);
        return access("cert-1", 2_000);
      },
    },
    dataPlane: { stat: () => ({ response: { exists: false } }) },
  });
  const session = service.client().session(sessionId);
  await session.stat("x");
  const tried = await waitUntil(
    async () => {
      await session.stat("x");
      return issued > 1 ? issued : undefined;
    },
    { timeoutMs: 1_950, intervalMs: 5 },
  );
  assert.equal(tried, 2);
});

test("a refused credential is replaced once, and the call made again", async () => {
  const { seen, service } = await issuing(3_600_000, (credential) => credential === "cert-1");
  await using _ = service;
  assert.equal(await service.client().session(sessionId).stat("x"), undefined);
  assert.deepEqual(seen, ["cert-1", "cert-2"]);
});

test("a second refusal is the answer", async () => {
  const { seen, service } = await issuing(3_600_000, () => true);
  await using _ = service;
  await assert.rejects(service.client().session(sessionId).stat("x"), UnauthorizedError);
  assert.deepEqual(seen, ["cert-1", "cert-2"]);
});

test("a refused write is made again too, with everything that it sends", async () => {
  let received = "";
  let issued = 0;
  await using service = await scriptedService({
    sandbox: { createSessionCredential: () => access(`cert-${++issued}`) },
    dataPlane: {
      writeFileStream: async (messages, context) => {
        if (credentialOf(context) === "cert-1") throw new ConnectError("expired", Code.Unauthenticated);
        for await (const { frame } of messages) {
          if (frame?.payload.case === "data") received += Buffer.from(frame.payload.value).toString();
        }
        return { response: { bytesWritten: BigInt(received.length) } };
      },
    },
  });
  async function* source() {
    yield Buffer.from("one ");
    yield Buffer.from("two");
  }
  assert.equal(await service.client().session(sessionId).writeFileStream("x", source()), 7);
  assert.equal(received, "one two");
});

test("a credential that came with the create needs no call of its own", async () => {
  const seen: (string | null)[] = [];
  await using service = await scriptedService({
    sandbox: { createSession: () => ({ session: { id: sessionId, state: 3 }, ...access("cert-created") }) },
    dataPlane: {
      stat: (_request, context) => {
        seen.push(credentialOf(context));
        return { response: { exists: false } };
      },
    },
  });
  const session = await service.client().create();
  await session.stat("x");
  assert.deepEqual(seen, ["cert-created"]);
  assert.equal(service.count("CreateSessionCredential"), 0);
  assert.equal(service.connections.size, 1);
});

test("a way that is not ready yet is tried until it is", async () => {
  let requests = 0;
  const edge = createServer().on("stream", (stream) => {
    stream.on("error", () => undefined);
    if (++requests < 4) {
      stream.respond({ ":status": 404, "content-type": "text/plain" });
      stream.end("no route");
    } else {
      stream.respond(
        { ":status": 200, "content-type": "application/grpc+proto", "grpc-status": "16" },
        { endStream: true },
      );
    }
  });
  await new Promise<void>((resolve) => edge.listen(0, "127.0.0.1", resolve));
  const dataPlaneEndpoint = `http://127.0.0.1:${(edge.address() as AddressInfo).port}`;
  await using service = await scriptedService({
    sandbox: { createSessionCredential: () => ({ ...access(), dataPlaneEndpoint, routeStatus: 2 }) },
  });
  await assert.rejects(service.client().session(sessionId).stat("x"), UnauthorizedError);
  assert.equal(requests, 5);
  edge.close();
});

test("a way that never gets ready is given up after its bound", async () => {
  const edge = createServer().on("stream", (stream) => {
    stream.on("error", () => undefined);
    stream.respond({ ":status": 404 }, { endStream: true });
  });
  await new Promise<void>((resolve) => edge.listen(0, "127.0.0.1", resolve));
  const dataPlaneEndpoint = `http://127.0.0.1:${(edge.address() as AddressInfo).port}`;
  await using service = await scriptedService({
    sandbox: { createSessionCredential: () => ({ ...access(), dataPlaneEndpoint }) },
  });
  const client = service.client({ dataPlaneReadyTimeoutMs: 300 });
  await assert.rejects(client.session(sessionId).stat("x"), DataPlaneNotReadyError);
  edge.close();
});

test("a way that could not be verified is not tried", async () => {
  await using service = await scriptedService({
    sandbox: { createSessionCredential: () => ({ ...access(), routeStatus: 3 }) },
  });
  await assert.rejects(service.client().session(sessionId).stat("x"), {
    kind: "unavailable",
    terminal: true,
  });
  assert.equal(service.count("Stat"), 0);
});

test("a data plane of its own is reached at its own address", async () => {
  await using sandboxes = await scriptedService({
    dataPlane: { stat: () => ({ response: { exists: false } }) },
  });
  await using service = await scriptedService({
    sandbox: { createSessionCredential: () => ({ ...access(), dataPlaneEndpoint: sandboxes.endpoint }) },
  });
  assert.equal(await service.client().session(sessionId).stat("x"), undefined);
  assert.deepEqual(sandboxes.calls, ["Stat"]);
});

test("a connection is not kept open for a client that was closed", async () => {
  const { service } = await issuing(3_600_000);
  await using _ = service;
  const client: Client = service.client();
  await client.session(sessionId).stat("x");
  assert.equal(service.connections.size, 1);
  client.close();
  await waitUntil(() => (service.connections.size === 0 ? true : undefined), { timeoutMs: 5_000 });
  assert.equal(service.connections.size, 0);
});
