import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { waitUntil } from "../../src/lib/wait-until.js";
import { DoorBench } from "./door-bench.js";
import { untilRelays } from "./relay-processes.js";

let bench: DoorBench;
beforeEach(() => void (bench = new DoorBench()));
afterEach(() => bench.close());

const mebibyte = 1 << 20;
const bytes = (count: number, letter = "a") => Buffer.alloc(count, letter);
const chunkOf = (content: Buffer, extension = "") =>
  Buffer.concat([
    Buffer.from(`${content.length.toString(16)}${extension}\r\n`),
    content,
    Buffer.from("\r\n"),
  ]);
const chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const measuredHead = (length: number) => `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`;

/** A service that answers with this, whatever it is asked. */
const serve = (say: (socket: Socket) => void) =>
  bench.openToRaw((socket) => void socket.once("data", () => say(socket)));

/** Asks, and reads nothing. */
async function visit(port: number): Promise<Socket> {
  const visitor = connect({ port, host: "127.0.0.1" }).pause();
  visitor.on("error", () => undefined);
  await once(visitor, "connect");
  visitor.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  return visitor;
}

const get = async (port: number) =>
  Buffer.from(await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer());

describe("a large body", () => {
  it("is passed on by a process of its own, and the connection is good for the next request", async () => {
    const port = await serve((socket) => {
      socket.write(chunkedHead);
      socket.write(Buffer.concat(Array.from({ length: 64 }, () => chunkOf(bytes(mebibyte)))));
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext"));
      release = () => socket.write("0\r\n\r\n");
    });
    let release = (): unknown => undefined;
    const visitor = await visit(port);
    visitor.resume();
    let got = 0;
    let end = "";
    visitor.on("data", (piece: Buffer) => {
      got += piece.length;
      end = (end + piece.toString("latin1")).slice(-100);
    });
    await untilRelays(1);
    await waitUntil(() => (got > 64 * mebibyte ? true : undefined), { timeoutMs: 20_000 });
    release();
    await waitUntil(() => (end.endsWith("\r\n0\r\n\r\n") ? true : undefined), { timeoutMs: 10_000 });
    await untilRelays(0);
    visitor.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await waitUntil(() => (end.endsWith("\r\n\r\nnext") ? true : undefined), { timeoutMs: 10_000 });
    assert.deepEqual([end.slice(-4), bench.dialled, bench.busy], ["next", 1, 0]);
    visitor.destroy();
  });

  it("loses extensions and trailers, and may come in any pieces", async () => {
    const port = await serve((socket) => {
      socket.setNoDelay(true);
      socket.write(chunkedHead);
      for (let at = 0; at < 20; at += 1) socket.write(chunkOf(bytes(mebibyte)));
      socket.write(chunkOf(bytes(10, "b"), ";x=y"));
      for (let at = 0; at < 20; at += 1) socket.write(chunkOf(bytes(mebibyte)));
      const rest = `${chunkOf(bytes(20, "c")).toString()}0\r\nX-Late: 1\r\n\r\n`;
      const next = (at: number) =>
        void (at < rest.length && socket.write(rest.charAt(at), () => setImmediate(next, at + 1)));
      next(0);
    });
    const body = await get(port);
    const part = bytes(20 * mebibyte);
    assert.ok(body.equals(Buffer.concat([part, bytes(10, "b"), part, bytes(20, "c")])));
  });

  const breaches: Readonly<Record<string, Buffer>> = {
    "bytes behind a chunk": Buffer.concat([Buffer.from("5\r\n"), bytes(7)]),
    "no size": Buffer.from("zz\r\n"),
    "a size that ends in a bare line feed": Buffer.from("5\nhello\r\n"),
    "nothing more": Buffer.alloc(0),
  };
  for (const [what, breach] of Object.entries(breaches))
    it(`is cut where it goes wrong: ${what}`, async () => {
      const port = await serve((socket) => {
        socket.write(chunkedHead);
        for (let at = 0; at < 20; at += 1) socket.write(chunkOf(bytes(mebibyte)));
        socket.end(breach);
      });
      await assert.rejects(get(port));
      await untilRelays(0);
      assert.equal(bench.busy, 0);
    });

  it("that is shorter than it said is cut, and what comes behind one reaches nobody", async () => {
    const short = await serve((socket) => {
      socket.write(measuredHead(40 * mebibyte));
      socket.end(bytes(30 * mebibyte));
    });
    await assert.rejects(get(short));
    bench.doors.close("door-0001");
    let connections = 0;
    const long = await serve((socket) => {
      connections += 1;
      socket.write(measuredHead(20 * mebibyte));
      socket.write(
        Buffer.concat([
          bytes(20 * mebibyte),
          Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
        ]),
      );
    });
    for (let at = 0; at < 2; at += 1) assert.equal((await get(long)).length, 20 * mebibyte);
    assert.equal(connections, 2);
  });

  it("ends with its visitor, with its service, and when the door is cut", async () => {
    const services: Socket[] = [];
    const port = await serve((socket) => {
      services.push(socket);
      socket.write(measuredHead(500 * mebibyte));
      socket.write(bytes(100 * mebibyte));
    });
    const leave: Readonly<Record<string, (visitor: Socket) => void>> = {
      "the visitor": (visitor) => visitor.destroy(),
      "the service": () => services.at(-1)?.resetAndDestroy(),
      "the door": () => bench.doors.cut("door-0001"),
    };
    for (const [who, end] of Object.entries(leave)) {
      const visitor = await visit(port);
      await untilRelays(1);
      const service = services.at(-1);
      assert.ok(service !== undefined);
      end(visitor);
      visitor.resume();
      const isOver = () => (visitor.destroyed && service.destroyed ? true : undefined);
      assert.ok(await waitUntil(isOver, { timeoutMs: 10_000 }), who);
      await untilRelays(0);
      assert.equal(bench.busy, 0, who);
    }
  });
});
