import assert from "node:assert/strict";
import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { Client } from "../../src/client/index.js";
import { scriptedService, sessionId } from "./scripted-service.js";

const unavailable = () => {
  throw new ConnectError("draining", Code.Unavailable);
};

test("what only asks is asked again while the service is unavailable, and then given up", async () => {
  await using service = await scriptedService({
    sandbox: { getSession: unavailable, whoAmI: unavailable, listWorkspaceSandboxes: unavailable },
    dataPlane: { stat: unavailable, list: unavailable, readFileStream: () => unavailable() },
  });
  const client = service.client();
  const session = client.session(sessionId);
  const refused = { kind: "unavailable", message: "draining" };
  await assert.rejects(client.get(sessionId), refused);
  await assert.rejects(client.whoAmI(), refused);
  await assert.rejects(client.list(), refused);
  await assert.rejects(session.stat("x"), refused);
  await assert.rejects(session.list("x"), refused);
  await assert.rejects(session.readFileStream("x"), refused);
  for (const method of ["GetSession", "WhoAmI", "ListWorkspaceSandboxes", "Stat", "List", "ReadFileStream"]) {
    assert.equal(service.count(method), 4, method);
  }
});

test("an answer that comes at a later try is the answer", async () => {
  let asked = 0;
  await using service = await scriptedService({
    sandbox: { whoAmI: () => (++asked < 3 ? unavailable() : { ownerId: "me" }) },
  });
  assert.equal((await service.client().whoAmI()).ownerId, "me");
  assert.equal(asked, 3);
});

test("what changes something is sent once", async () => {
  await using service = await scriptedService({
    sandbox: {
      createSession: unavailable,
      extendSession: unavailable,
      updateSession: unavailable,
      terminateSession: unavailable,
      createVolume: unavailable,
    },
    dataPlane: {
      writeFile: unavailable,
      mkdir: unavailable,
      remove: unavailable,
      run: () => unavailable(),
      writeFileStream: unavailable,
    },
  });
  const client = service.client();
  const session = client.session(sessionId);
  for (const [method, call] of Object.entries({
    CreateSession: () => client.create(),
    ExtendSession: () => session.extend(1_000),
    UpdateSession: () => session.update({ name: "x" }),
    TerminateSession: () => session.close(),
    CreateVolume: () => client.createVolume({ name: "v", sizeBytes: 1 << 20 }),
    WriteFile: () => session.writeFile("x", "y"),
    Mkdir: () => session.mkdir("x"),
    Remove: () => session.remove("x"),
    Run: () => session.start(["true"]),
    WriteFileStream: () => session.writeFileStream("x", [Buffer.from("y")]),
  })) {
    await assert.rejects(call(), { kind: "unavailable" }, method);
    assert.equal(service.count(method), 1, method);
  }
});

test("other errors are not tried again", async () => {
  await using service = await scriptedService({
    sandbox: {
      getSession: () => {
        throw new ConnectError("boom", Code.Internal);
      },
    },
  });
  await assert.rejects(service.client().get(sessionId), { kind: "internal", message: "boom" });
  assert.equal(service.count("GetSession"), 1);
});

test("a create is sent again when the service is known not to have seen it", async () => {
  let streams = 0;
  const answer = (stream: ServerHttp2Stream) => {
    stream.on("error", () => undefined);
    if (++streams < 3) return stream.close(7); // REFUSED_STREAM
    stream.respond(
      { ":status": 200, "content-type": "application/grpc+proto", "grpc-status": "16" },
      { endStream: true },
    );
  };
  const server = createServer().on("stream", answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new Client({ baseUrl, authToken: "tk_x", env: {} });
  await assert.rejects(client.create(), { kind: "unauthenticated" });
  assert.equal(streams, 3);
  client.close();
  server.close();
});

test("a create whose connection broke is not sent again", async () => {
  let streams = 0;
  const server = createServer().on("stream", (stream) => {
    streams++;
    stream.on("error", () => undefined);
    stream.session?.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new Client({ baseUrl, authToken: "tk_x", env: {} });
  await assert.rejects(client.create(), {
    kind: "unavailable",
    message: `the connection to ${baseUrl} was lost`,
  });
  assert.equal(streams, 1);
  await assert.rejects(client.whoAmI(), { kind: "unavailable" });
  assert.equal(streams, 5);
  client.close();
  server.close();
});

test("a cancelled call is not tried again", async () => {
  const controller = new AbortController();
  await using service = await scriptedService({
    sandbox: {
      waitSession: async function* (_request, { signal }) {
        controller.abort();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        yield {};
      },
    },
  });
  const waiting = service.client().session(sessionId).waitReady(5_000, controller.signal);
  await assert.rejects(waiting, { kind: "cancelled" });
  assert.equal(service.count("WaitSession"), 1);
});
