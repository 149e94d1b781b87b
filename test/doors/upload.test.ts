import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { waitUntil } from "../../src/lib/wait-until.js";
import { DoorBench, sendRaw } from "./door-bench.js";
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
const post = (path: string, ...headers: string[]) =>
  `POST ${path} HTTP/1.1\r\n${["Host: a", ...headers, "", ""].join("\r\n")}`;
const chunked = "Transfer-Encoding: chunked";
const next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
const last = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const digestOf = (content: Buffer) => createHash("sha256").update(content).digest("hex");

/** A service that says what it got, and whether all of it came. */
const digesting = (seen: { cut: number }) => (asked: IncomingMessage, answer: ServerResponse) => {
  const hash = createHash("sha256");
  asked.on("data", (chunk: Buffer) => hash.update(chunk));
  asked.on("end", () => answer.end(`${asked.url}=${hash.digest("hex")};`));
  asked.on("error", () => (seen.cut += 1));
};

interface Visitor {
  readonly socket: Socket;
  said: string;
  isTold: boolean;
}

async function visit(port: number): Promise<Visitor> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const visitor: Visitor = { socket, said: "", isTold: false };
  socket.on("error", () => undefined);
  socket.on("data", (piece: Buffer) => (visitor.said += piece.toString("latin1")));
  socket.on("end", () => (visitor.isTold = true));
  await once(socket, "connect");
  return visitor;
}

const until = async (what: string, is: () => boolean) =>
  assert.ok(await waitUntil(() => is() || undefined, { timeoutMs: 10_000 }), what);

describe("a request's body", () => {
  it("goes on in its own framing, with what else was said of the request, and on a connection that is kept", async () => {
    const heads: string[] = [];
    const port = await bench.openTo((asked, answer) => {
      let body = "";
      asked.on("data", (chunk: Buffer) => (body += chunk.toString()));
      asked.on("end", () => {
        heads.push(asked.rawHeaders.join("\n"));
        answer.end(`${asked.method} ${asked.url} ${body};`);
      });
    });
    const forged = "X-Forwarded-For: 6.6.6.6";
    const said = await sendRaw(
      port,
      `${post("/1", forged, "Content-Length: 5")}hello`,
      `${post("/2", forged, chunked)}3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Late: 1\r\n\r\n`,
      post("/3", "Content-Length: 0"),
      last,
    );
    assert.deepEqual(said.match(/(?<=\r\n)\S+ \/\d [^;]*(?=;)/g), [
      "POST /1 hello",
      "POST /2 abcde",
      "POST /3 ",
    ]);
    assert.equal(bench.dialled, 1);
    assert.match(heads[0] ?? "", /Content-Length\n5/);
    assert.match(heads[1] ?? "", /Transfer-Encoding\nchunked/);
    for (const head of heads.slice(0, 3)) assert.match(head, /X-Forwarded-For\n127\.0\.0\.1/);
    assert.doesNotMatch(heads.join(), /6\.6\.6\.6|X-Late/);
  });

  it("that waits to be asked for is asked for at once, and no other expectation is believed", async () => {
    const port = await bench.openTo(digesting({ cut: 0 }));
    const visitor = await visit(port);
    visitor.socket.write(post("/", "Content-Length: 5", "Expect: 100-continue"));
    await until("asked for", () => visitor.said === "HTTP/1.1 100 Continue\r\n\r\n");
    visitor.socket.write("hello");
    await until("answered", () => visitor.said.includes(`/=${digestOf(Buffer.from("hello"))};`));
    visitor.socket.destroy();
    const other = await sendRaw(
      port,
      `${post("/", "Content-Length: 5", "Expect: tea", "Connection: close")}hello`,
    );
    assert.match(other, /^HTTP\/1\.1 417 /);
  });

  it("that nobody reads is not taken, and what is begun of it ends with its door", async () => {
    let asked = 0;
    const port = await bench.openTo(() => void (asked += 1));
    for (const size of [4 * mebibyte, 400 * mebibyte]) {
      const visitor = await visit(port);
      visitor.socket.write(post("/", `Content-Length: ${size}`));
      const whole = bytes(mebibyte);
      let before = -1;
      for (let at = 0; at < size / mebibyte; at += 1) visitor.socket.write(whole);
      await until("begun", () => asked === 1);
      while (before !== visitor.socket.writableLength) {
        before = visitor.socket.writableLength;
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      if (size > 100 * mebibyte) assert.ok(before > size / 2, `${size - before} bytes were taken`);
      bench.doors.cut("door-0001");
      await until("over", () => visitor.socket.destroyed && bench.busy === 0);
      await untilRelays(0);
      asked = 0;
    }
  });

  it("that is not wanted any more is read to its end, and the visitor goes on", async () => {
    const port = await bench.openToRaw((socket) => {
      socket.once("data", (chunk: Buffer) => {
        const isNext = chunk.includes("/next");
        const answer = isNext
          ? "200 OK\r\nContent-Length: 4\r\n\r\nnext"
          : "413 Too Large\r\nContent-Length: 2\r\n\r\nno";
        socket.write(`HTTP/1.1 ${answer}`);
      });
    });
    const visitor = await visit(port);
    visitor.socket.write(`${post("/", "Content-Length: 300000")}begun`);
    await until("answered", () => visitor.said.endsWith("\r\n\r\nno"));
    visitor.socket.write(bytes(300_000 - 5));
    visitor.socket.write(next);
    await until("goes on", () => visitor.said.endsWith("\r\n\r\nnext"));
    assert.deepEqual([bench.dialled, bench.busy], [2, 0]);
    visitor.socket.destroy();
  });

  it("for a service that is not there is read to its end, and the visitor goes on", async () => {
    const port = await bench.open(1);
    const said = await sendRaw(port, post("/", "Content-Length: 100000"), "a".repeat(100_000), last);
    assert.deepEqual(said.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 502", "HTTP/1.1 502"]);
    assert.equal(bench.busy, 0);
  });

  it("that breaks off breaks off inside, whole requests before it or not", async () => {
    const seen = { cut: 0 };
    const port = await bench.openTo(digesting(seen));
    for (const [at, body] of [`Content-Length: 100\r\n\r\nbegun`, `${chunked}\r\n\r\n5\r\nbeg`].entries()) {
      const visitor = await visit(port);
      visitor.socket.write(`${post("/", "Content-Length: 2")}ok${post("/", body).slice(0, -4)}`);
      await until("begun", () => bench.busy === 1 && visitor.said.includes("/="));
      visitor.socket.destroy();
      await until("cut", () => seen.cut === at + 1 && bench.busy === 0);
    }
  });

  const breaches = [
    "zz\r\nab\r\n",
    "2\r\nabc\r\n",
    "-2\r\nab\r\n",
    "2\nab\n",
    "2 \r\nab\r\n",
    "0\r\n: x\r\n\r\n",
    "0\r\nX : y\r\n\r\n",
  ];
  for (const breach of breaches)
    it(`that is none is refused, and nothing behind it is heard: ${JSON.stringify(breach)}`, async () => {
      const paths: (string | undefined)[] = [];
      let whole = 0;
      const port = await bench.openTo((asked, answer) => {
        paths.push(asked.url);
        asked
          .on("error", () => undefined)
          .on("end", () => ((whole += 1), answer.end()))
          .resume();
      });
      const said = await sendRaw(port, `${post("/first", chunked)}1\r\na\r\n${breach}0\r\n\r\n${next}`);
      assert.match(said, /^HTTP\/1\.1 400 [^]*connection: close/);
      assert.equal(said.match(/HTTP\/1\.1/g)?.length, 1);
      assert.deepEqual([whole, paths.includes("/next"), bench.busy], [0, false, 0]);
    });
});

describe("a large body of a request", () => {
  const content = Buffer.alloc(
    30 * mebibyte,
    Buffer.from(Array.from({ length: 251 }, (_, at) => (at * 31) % 251)),
  );
  const framings: Readonly<Record<string, readonly [string, () => Buffer[]]>> = {
    "of a length": [`Content-Length: ${content.length}`, () => [content]],
    "in chunks": [
      chunked,
      () => {
        const pieces: Buffer[] = [];
        for (let at = 0; at < content.length; at += 100_003)
          pieces.push(chunkOf(content.subarray(at, at + 100_003), at === 290 * 100_003 ? ";x=y" : ""));
        return [...pieces, Buffer.from("0\r\nX-Late: 1\r\n\r\n")];
      },
    ],
  };
  for (const [what, [header, pieces]] of Object.entries(framings)) {
    it(`${what} comes through whole, and the connections are good for more`, async () => {
      const port = await bench.openTo(digesting({ cut: 0 }));
      const visitor = await visit(port);
      for (let at = 1; at <= 2; at += 1) {
        visitor.socket.write(post(`/${at}`, header));
        for (const piece of pieces()) visitor.socket.write(piece);
      }
      visitor.socket.write(last);
      await until("told that it is over", () => visitor.isTold);
      const digest = digestOf(content);
      assert.deepEqual(visitor.said.match(/\/\d=\w+/g), [`/1=${digest}`, `/2=${digest}`]);
      assert.match(visitor.said, /\/last=/);
      assert.deepEqual([bench.dialled, bench.busy], [1, 0]);
    });

    it(`${what} is passed on by a process of its own, which goes when the visitor or the service does`, async () => {
      const services: IncomingMessage[] = [];
      const seen = { cut: 0 };
      const port = await bench.openTo((asked, answer) => {
        services.push(asked);
        digesting(seen)(asked, answer);
      });
      const parts = pieces();
      const begun = Buffer.concat(parts.slice(0, Math.max(1, parts.length - 2))).subarray(0, 25 * mebibyte);
      const ends: Readonly<Record<string, (visitor: Socket) => unknown>> = {
        "the visitor": (visitor) => visitor.destroy(),
        "the visitor, half": (visitor) => visitor.end(),
        "the door": () => bench.doors.cut("door-0001"),
      };
      for (const [who, end] of Object.entries(ends)) {
        const visitor = await visit(port);
        visitor.socket.write(post("/", header));
        visitor.socket.write(begun);
        await untilRelays(1);
        end(visitor.socket);
        await until(
          who,
          () => services.at(-1)?.destroyed === true && visitor.socket.destroyed && bench.busy === 0,
        );
        await untilRelays(0);
      }
      assert.equal(seen.cut, 3);
    });

    it(`${what} that is refused half-way: the answer is heard`, async () => {
      const port = await bench.openToRaw((socket) => {
        let got = 0;
        socket.on("data", (chunk: Buffer) => {
          got += chunk.length;
          if (got < 9 * mebibyte) return;
          socket.removeAllListeners("data").pause();
          socket.write("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno", () =>
            socket.destroy(),
          );
        });
      });
      const visitor = await visit(port);
      visitor.socket.write(post("/", header));
      for (const piece of pieces()) visitor.socket.write(piece);
      visitor.socket.write(next);
      await until("answered", () => visitor.said.endsWith("\r\n\r\nno"));
      await until("told that it is over", () => visitor.isTold);
      visitor.socket.destroy();
      await until("over", () => bench.busy === 0);
      await untilRelays(0);
      assert.equal(visitor.said.match(/HTTP\/1\.1/g)?.length, 1);
    });
  }

  it("may pause, and go on in pieces of any size", async () => {
    const port = await bench.openTo(digesting({ cut: 0 }));
    const visitor = await visit(port);
    visitor.socket.write(post("/", chunked));
    for (let at = 0; at < 20; at += 1) visitor.socket.write(chunkOf(bytes(mebibyte)));
    await untilRelays(1);
    await untilRelays(0);
    const rest = `${chunkOf(bytes(20, "c")).toString()}0\r\n\r\n`;
    for (const letter of rest) await new Promise((resolve) => visitor.socket.write(letter, resolve));
    const digest = digestOf(Buffer.concat([bytes(20 * mebibyte), bytes(20, "c")]));
    await until("answered", () => visitor.said.includes(digest));
    visitor.socket.destroy();
  });

  for (const breach of ["zz\r\n", "5\nhello\r\n", "5\r\nhello!!"])
    it(`is cut where its chunks are none: ${JSON.stringify(breach)}`, async () => {
      let whole = 0;
      const port = await bench.openTo((asked, answer) => {
        asked
          .on("error", () => undefined)
          .on("end", () => ((whole += 1), answer.end()))
          .resume();
      });
      const visitor = await visit(port);
      visitor.socket.write(post("/", chunked));
      for (let at = 0; at < 20; at += 1) visitor.socket.write(chunkOf(bytes(mebibyte)));
      await untilRelays(1);
      visitor.socket.write(`${breach}0\r\n\r\n${next}`);
      visitor.socket.resume();
      await until("cut", () => visitor.socket.destroyed || visitor.said.includes(" 400 "));
      await until("over", () => bench.busy === 0);
      await untilRelays(0);
      assert.equal(whole, 0);
      assert.doesNotMatch(visitor.said, / 200 /);
      visitor.socket.destroy();
    });
});
