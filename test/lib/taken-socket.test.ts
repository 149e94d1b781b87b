import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { TakenSocket, takeOver } from "../../src/lib/taken-socket.js";
import { waitUntil } from "../../src/lib/wait-until.js";

describe("a server's socket that is taken over", () => {
  let server: Server;
  let visitor: Socket;
  let accepted: Socket;
  let socket: Socket;

  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    visitor = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
    visitor.on("error", () => undefined);
    [accepted] = (await once(server, "connection")) as [Socket];
    socket = takeOver(accepted);
    socket.on("error", () => undefined);
  });
  afterEach(() => {
    visitor.destroy();
    socket.destroy();
    server.close();
  });

  const connections = () =>
    new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
  const untilNone = async () =>
    assert.ok(
      await waitUntil(async () => ((await connections()) === 0 ? true : undefined), { timeoutMs: 5_000 }),
    );

  it("hands out what comes in memory that it uses again, and as a stream once nobody takes it", async () => {
    assert.ok(socket instanceof TakenSocket);
    const said: string[] = [];
    const memory = new Set<ArrayBufferLike>();
    for (const word of ["one", "two"]) {
      const taken = new Promise<void>((resolve) => {
        (socket as TakenSocket).taker = (bytes) => {
          said.push(bytes.toString());
          memory.add(bytes.buffer);
          resolve();
        };
      });
      visitor.write(word);
      await taken;
    }
    assert.deepEqual([said, memory.size], [["one", "two"], 1]);
    socket.taker = undefined;
    visitor.write("three");
    assert.equal(String(((await once(socket, "data")) as [Buffer])[0]), "three");
    socket.write("four");
    assert.equal(String(((await once(visitor, "data")) as [Buffer])[0]), "four");
    assert.equal(socket.remotePort, visitor.localPort);
  });

  it("counts in its server until it ends, and ends with what it was taken from", async () => {
    assert.equal(await connections(), 1);
    socket.destroy();
    await untilNone();
    assert.equal(accepted.destroyed, true);
  });

  it("ends when its server's socket is destroyed", async () => {
    accepted.destroy();
    await once(visitor.resume(), "close");
    assert.equal(socket.destroyed, true);
    await untilNone();
  });

  it("is the same one where there is nothing to take", () => {
    const unconnected = new Socket();
    assert.equal(takeOver(unconnected), unconnected);
  });
});
