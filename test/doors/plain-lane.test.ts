import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { DoorBench, sendRaw } from "./door-bench.js";

let bench: DoorBench;
beforeEach(() => void (bench = new DoorBench()));
afterEach(() => bench.close());

const plain = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const last = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
const bodies = (said: string) => [...said.matchAll(/body of (\S+);/g)].map(([, path]) => path);
const echo = () =>
  bench.openTo((asked, answer) => void asked.resume().once("end", () => answer.end(`body of ${asked.url};`)));

describe("one visitor's connection", () => {
  it("has requests answered in the order that they came in, all at once or byte by byte", async () => {
    const port = await echo();
    const post =
      "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n";
    const all = [plain("/1"), plain("/2"), post, plain("/4"), last("/5")].join("");
    const expected = ["/1", "/2", "/3", "/4", "/5"];
    assert.deepEqual(bodies(await sendRaw(port, all)), expected);
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let said = "";
    socket.on("data", (chunk: Buffer) => (said += chunk.toString()));
    for (const byte of all) await new Promise((resolve) => socket.write(byte, resolve));
    await once(socket, "end");
    assert.deepEqual(bodies(said), expected);
    assert.equal(bench.busy, 0);
  });

  it("has many requests answered that were sent ahead, over one connection inside", async () => {
    const port = await echo();
    const paths = Array.from({ length: 500 }, (_, at) => `/${at}`);
    const said = await sendRaw(port, paths.map(plain).join("") + last("/end"));
    assert.deepEqual(bodies(said), [...paths, "/end"]);
    assert.equal(bench.dialled, 1);
  });

  it("ends with what is not to be understood, after the answers before it", async () => {
    const port = await echo();
    const said = await sendRaw(
      port,
      `${plain("/1")}GET /2 HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n${plain("/3")}`,
    );
    assert.deepEqual(bodies(said), ["/1"]);
    assert.match(said, /HTTP\/1\.1 400 [^]*$/);
    assert.equal(said.match(/HTTP\/1\.1 /g)?.length, 2);
  });

  it("is heard anew as soon as it says anything else than before", async () => {
    const port = await bench.openTo(({ method, rawHeaders, url }, answer) =>
      answer.end(`body of ${method}:${url}:${rawHeaders.slice(0, 4).join(":")};`),
    );
    const say = (line: string, more = "") => `${line} HTTP/1.1\r\nHost: a\r\nX: ${more}\r\n\r\n`;
    const asked = [say("GET /1"), say("GET /2"), say("GET /2", "b"), say("HEAD /2", "b"), say("GET /2", "c")];
    const said = await sendRaw(port, asked.join("") + last("/end"));
    assert.deepEqual(bodies(said).slice(0, 4), [
      "GET:/1:Host:a:X-Forwarded-For:127.0.0.1",
      "GET:/2:Host:a:X-Forwarded-For:127.0.0.1",
      "GET:/2:Host:a:X:b",
      "GET:/2:Host:a:X:c",
    ]);
    assert.equal(said.match(/HTTP\/1\.1 200 /g)?.length, 6);
    assert.doesNotMatch(
      await sendRaw(port, `${say("GET /1", "b")}${say("GET /2", "b\r\nX : c")}`),
      /GET:\/2/,
    );
  });

  it("is told why there is no answer, and goes on", async () => {
    const port = await bench.open(1);
    const said = await sendRaw(port, `HEAD / HTTP/1.1\r\nHost: a\r\n\r\n${plain("/")}${last("/")}`);
    assert.equal(said.match(/^HTTP\/1\.1 502 Bad Gateway\r$/gm)?.length, 3);
    assert.equal(said.match(/nobody listens/g)?.length, 2);
  });

  it("is asked about before each request", async () => {
    const port = await echo();
    const visitor = connect({ port, host: "127.0.0.1" });
    const ask = async () => {
      visitor.write(plain("/"));
      return String(((await once(visitor, "data")) as [Buffer])[0]);
    };
    assert.match(await ask(), /^HTTP\/1\.1 200 /);
    bench.refusal = "paused";
    assert.match(await ask(), /^HTTP\/1\.1 503 /);
    bench.refusal = undefined;
    assert.match(await ask(), /^HTTP\/1\.1 200 /);
    visitor.destroy();
  });

  it("says nothing of a visitor that only the door can know, and nothing of its own connection", async () => {
    const port = await bench.openTo((asked, answer) => answer.end(asked.rawHeaders.join("\n")));
    const said = await sendRaw(
      port,
      "GET / HTTP/1.1\r\nHost: a:80\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n" +
        `Cookie: tenki_viewer_other=secret; theme=dark\r\nConnection: keep-alive\r\n\r\n${last("/")}`,
    );
    assert.match(
      said,
      /X-Forwarded-For\n127\.0\.0\.1\nX-Forwarded-Host\na:80\nX-Forwarded-Port\n80\nX-Forwarded-Proto\nhttp/,
    );
    assert.match(said, /Cookie\ntheme=dark\n/);
    assert.doesNotMatch(said, /6\.6\.6\.6|secret/);
  });
});

describe("an answer to a plain request", () => {
  const answerWith = (say: (socket: Socket) => void) =>
    bench.openToRaw((socket) => void socket.on("data", () => say(socket)));
  const get = async (port: number) => (await fetch(`http://127.0.0.1:${port}/`)).text();

  it("is heard anew as soon as anything in it is another, also after one to HEAD in the same words", async () => {
    const answers = [
      ...["0", "1", "2"].map(
        (each) => `HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-At: ${each}\r\n\r\n${each}`,
      ),
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-At: 2\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-At: 2\r\n\r\n3",
    ];
    const port = await answerWith((socket) => socket.write(answers.shift() ?? ""));
    const head = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
    const visitor = connect({ port, host: "127.0.0.1" });
    let said = "";
    visitor.on("data", (chunk: Buffer) => (said += chunk.toString()));
    visitor.write(plain("/").repeat(3) + head + plain("/"));
    while (!said.endsWith("\r\n\r\n3")) await once(visitor, "data");
    visitor.destroy();
    assert.deepEqual(said.match(/(?<=X-At: )\d/g), ["0", "1", "2", "2", "2"]);
    assert.deepEqual(said.match(/(?<=\r\n\r\n)\d/g), ["0", "1", "2", "3"]);
    assert.equal(bench.dialled, 1);
  });

  it("loses its chunks' extensions and trailers, and nothing else", async () => {
    const port = await answerWith((socket) => {
      const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\n";
      socket.write(`${head}5;a=b\r\nhello\r\n1\r\n \r\n`);
      socket.write("5\r\nworld\r\n0\r\nX-Late: 1\r\n\r\n");
    });
    const said = await sendRaw(port, plain("/") + "\0");
    assert.match(said, /\r\nTransfer-Encoding: chunked\r\n/);
    assert.doesNotMatch(said, /a=b|X-Late/);
    assert.equal(await get(port), "hello world");
  });

  it("that only the connection's end ends is told in chunks", async () => {
    const port = await answerWith((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nall there is"));
    assert.equal(await get(port), "all there is");
    assert.equal(await get(port), "all there is");
  });

  it("begins with a word ahead, comes in any pieces, and may say nothing", async () => {
    const port = await answerWith((socket) => {
      socket.setNoDelay(true);
      const bytes = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\nX: y\r\n\r\n";
      const next = (at: number) =>
        void (at < bytes.length && socket.write(bytes.charAt(at), () => next(at + 1)));
      next(0);
    });
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    assert.deepEqual([answer.status, answer.headers.get("x"), await answer.text()], [204, "y", ""]);
  });

  for (const relays of [true, false])
    it(`comes through whole, however large, in either framing, ${relays ? "past" : "through"} this process`, async () => {
      bench.close();
      bench = new DoorBench({ relays });
      const piece = Buffer.from(Array.from({ length: 100_003 }, (_, at) => (at * 31) % 251));
      const pieces = 1_000;
      const wanted = createHash("sha256");
      for (let at = 0; at < pieces; at += 1) wanted.update(piece);
      const digest = wanted.digest("hex");
      const port = await bench.openTo((asked, answer) => {
        if (asked.url === "/length") answer.setHeader("content-length", piece.length * pieces);
        let left = pieces;
        const more = (): void => {
          while (left > 0) {
            left -= 1;
            if (!answer.write(piece)) return void answer.once("drain", more);
          }
          answer.end();
        };
        more();
      });
      for (const path of ["/length", "/chunks"]) {
        const seen = createHash("sha256");
        const { body } = await fetch(`http://127.0.0.1:${port}${path}`);
        for await (const bytes of body ?? []) seen.update(bytes as Uint8Array);
        assert.equal(seen.digest("hex"), digest, path);
      }
      assert.equal(bench.busy, 0);
    });
});
