import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { PassThrough } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import type { Way } from "../../src/engine/core/ports/doors.js";
import { pageFor } from "../../src/engine/doors/pages.js";
import { troubleOf } from "../../src/engine/doors/trouble.js";
import { Upstream } from "../../src/engine/doors/upstream.js";
import { DoorBench, sendRaw } from "./door-bench.js";

let bench: DoorBench;
beforeEach(() => void (bench = new DoorBench()));
afterEach(() => bench.close());

describe("WebSockets", () => {
  it("pass, in both directions, with their headers", async () => {
    const server = createServer();
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket, asked) => {
      socket.send(`${asked.url} ${String(asked.headers["x-forwarded-for"])} ${String(asked.headers.origin)}`);
      socket.on("message", (data: Buffer, binary) => socket.send(data, { binary }));
    });
    const port = await bench.open(await bench.serve(server));
    const socket = new WebSocket(`ws://127.0.0.1:${port}/live`, { origin: "http://page.test" });
    const next = async () => ((await once(socket, "message")) as [Buffer])[0];
    assert.equal(String(await next()), "/live 127.0.0.1 http://page.test");
    const large = Buffer.alloc(5_000_000, "a");
    socket.send(large);
    assert.deepEqual(await next(), large);
    const closed = once(socket, "close");
    bench.doors.cut("door-0001");
    await closed;
  });

  it("that the service refuses are refused with its own words", async () => {
    const port = await bench.openTo((_asked, answer) => answer.writeHead(200).end("a page"));
    const said = await sendRaw(
      port,
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n",
    );
    assert.match(said, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(said, /a page/);
  });

  it("are told what is going on where nobody listens, or the session is paused", async () => {
    const upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    const port = await bench.open(1);
    assert.match(
      await sendRaw(port, upgrade),
      /^HTTP\/1\.1 502 .*Nothing in the sandbox listens on port 1\./s,
    );
    bench.refusal = "paused";
    assert.match(await sendRaw(port, upgrade), /^HTTP\/1\.1 503 /);
  });

  it("are the only upgrade: another is answered as if it had not been asked for", async () => {
    const port = await bench.openTo((asked, answer) => answer.end(`plain ${String(asked.headers.upgrade)}`));
    const said = await sendRaw(
      port,
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
    );
    assert.match(said, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(said, /plain undefined/);
  });
});

describe("a door for TCP", () => {
  it("carries bytes whatever they say, and each side's end", async () => {
    const echo = createTcpServer({ allowHalfOpen: true }, (socket) => {
      socket.write("hello\n");
      socket.pipe(socket);
    });
    const port = await bench.open(await bench.serve(echo), "tcp");
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    let said = "";
    socket.on("data", (chunk: Buffer) => (said += chunk.toString("latin1")));
    await once(socket, "data");
    socket.end(Buffer.from([0, 255, 10]));
    await once(socket, "end");
    assert.equal(said, "hello\n\0\xff\n");
  });

  it("hangs up where nobody listens, and where nobody is let in", async () => {
    const port = await bench.open(1, "tcp");
    await assert.rejects(sendRaw(port, "x"), { code: "ECONNRESET" });
    bench.refusal = "paused";
    await assert.rejects(sendRaw(port, "x"), { code: "ECONNRESET" });
  });
});

describe("pages", () => {
  const ask = (port: number, accept?: string) =>
    fetch(`http://127.0.0.1:${port}/`, { headers: accept === undefined ? {} : { accept } });

  it("say what is going on, and what to do", async () => {
    const port = await bench.open(1);
    const expected = [
      [undefined, 502, /^nobody listens: Nothing in the sandbox listens on port 1\. Start/],
      ["paused", 503, /^the session is paused: .*tenki sandbox resume/],
      ["starting", 503, /^the session is starting/],
      ["expired", 404, /^the address has expired: .*tenki sandbox expose/],
      ["unbound", 404, /^the address points at nothing: .*preview-url bind/],
      ["ended", 404, /^nothing is here: .*tenki sandbox ports/],
      ["private", 403, /^not for everybody/],
    ] as const;
    for (const [refusal, status, text] of expected) {
      bench.refusal = refusal;
      const answer = await ask(port, "*/*");
      assert.equal(answer.status, status);
      assert.match(await answer.text(), text);
    }
  });

  it("say that there are too many connections to the port, until there are fewer", async () => {
    const streams: PassThrough[] = [];
    const way: Way = {
      key: "1",
      port: 3000,
      dial: () => Promise.resolve(streams[streams.push(new PassThrough()) - 1] ?? assert.fail()),
      begin: () => () => undefined,
      touch: () => undefined,
    };
    const upstream = new Upstream();
    for (let count = 0; count < 2_048; count += 1) await upstream.connect(way);
    const error: unknown = await upstream.connect(way).catch((refusal: unknown) => refusal);
    const page = pageFor(troubleOf(error), "*/*", way.port);
    assert.equal(page.status, 503);
    assert.match(
      String(page.body),
      /^too many connections: As many connections to port 3000 as there can be/,
    );
    const [first] = streams;
    assert.ok(first !== undefined);
    first.destroy();
    await once(first, "close");
    await upstream.connect(way);
    upstream.cut();
  });

  it("are pages for browsers: with nothing from elsewhere, and gone by themselves", async () => {
    const port = await bench.open(1);
    const answer = await ask(port, "text/html,*/*;q=0.8");
    assert.equal(answer.headers.get("content-type"), "text/html; charset=utf-8");
    assert.match(answer.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    assert.equal(answer.headers.get("x-tenki-preview"), "refused");
    const page = await answer.text();
    assert.match(page, /<h1>Nobody listens<\/h1>/);
    assert.match(page, /location\.reload/);
    assert.doesNotMatch(page, /src=|href=|@import|url\(/);
  });
});

describe("a private door", () => {
  const token = "tv_the-token";
  const ask = (port: number, path: string, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers, redirect: "manual" });

  it("takes the token once, out of sight, and the cookie from then on, which the service does not see", async () => {
    bench.token = token;
    const port = await bench.openTo((asked, answer) =>
      answer.end(`${asked.url} ${String(asked.headers.cookie)}`),
    );
    assert.equal((await ask(port, "/")).status, 403);
    assert.equal((await ask(port, "/?tenki_viewer=tv_another")).status, 403);
    const redirect = await ask(port, `//evil.test/a?x=1&tenki_viewer=${token}`);
    assert.equal(redirect.status, 303);
    assert.equal(redirect.headers.get("location"), "/evil.test/a?x=1");
    assert.equal(redirect.headers.get("referrer-policy"), "no-referrer");
    const cookie = redirect.headers.get("set-cookie") ?? "";
    assert.match(cookie, /^tenki_viewer_door-000=tv_the-token; Path=\/; HttpOnly; SameSite=Lax$/);
    const mine = { cookie: `theme=dark; ${cookie.split(";")[0]}; tenki_viewer_other=secret` };
    assert.equal(await (await ask(port, "/a?x=1", mine)).text(), "/a?x=1 theme=dark");
    assert.equal((await ask(port, "/", { ...mine, origin: "http://127.0.0.1:1" })).status, 403);
    assert.equal((await ask(port, "/", { ...mine, origin: `http://127.0.0.1:${port}` })).status, 200);
  });
});
