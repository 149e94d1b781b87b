import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { DoorBench, sendRaw } from "./door-bench.js";

let bench: DoorBench;
beforeEach(() => void (bench = new DoorBench()));
afterEach(() => bench.close());

const get = (port: number, headers: Record<string, string> = {}, path = "/") =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers, redirect: "manual" });

describe("a door for HTTP", () => {
  it("passes requests and answers on as they are", async () => {
    const seen: Record<string, unknown>[] = [];
    const port = await bench.openTo((asked, answer) => {
      let body = "";
      asked.on("data", (chunk: Buffer) => (body += chunk.toString()));
      asked.on("end", () => {
        seen.push({ method: asked.method, url: asked.url, body, mine: asked.headers["x-mine"] });
        answer.writeHead(
          201,
          "Made",
          [
            ["Set-Cookie", "a=1"],
            ["Set-Cookie", "b=2"],
            ["X-Answer", "Ω"],
          ]
            .flat()
            .map((each) => Buffer.from(each).toString("latin1")),
        );
        answer.end("made");
      });
    });
    const answer = await fetch(`http://127.0.0.1:${port}/some//path?a=1&b=%20`, {
      method: "PUT",
      body: "content",
      headers: { "x-mine": "yes" },
    });
    assert.deepEqual([answer.status, answer.statusText, await answer.text()], [201, "Made", "made"]);
    assert.deepEqual(answer.headers.getSetCookie(), ["a=1", "b=2"]);
    assert.deepEqual(seen, [{ method: "PUT", url: "/some//path?a=1&b=%20", body: "content", mine: "yes" }]);
  });

  it("says who asked, and believes nobody else about it", async () => {
    const port = await bench.openTo((asked, answer) => answer.end(JSON.stringify(asked.headers)));
    const headers = (await (
      await get(port, {
        "x-forwarded-for": "6.6.6.6",
        "x-forwarded-proto": "https",
        "x-real-ip": "6.6.6.6",
        forwarded: "for=6.6.6.6",
      })
    ).json()) as Record<string, string>;
    const host = `127.0.0.1:${port}`;
    assert.equal(headers["host"], host);
    assert.deepEqual(
      ["for", "host", "port", "proto"].map((name) => headers[`x-forwarded-${name}`]),
      ["127.0.0.1", host, String(port), "http"],
    );
    assert.doesNotMatch(JSON.stringify(headers), /6\.6\.6\.6/);
  });

  it("drops what is of one connection only, on the way there and back", async () => {
    const port = await bench.openTo((asked, answer) => {
      answer.setHeader("connection", "keep-alive, x-theirs");
      answer.setHeader("x-theirs", "1");
      answer.setHeader("proxy-authenticate", "Basic");
      answer.end(asked.rawHeaders.join("\n").toLowerCase());
    });
    const said = await sendRaw(
      port,
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nTE: trailers\r\nProxy-Authorization: x\r\nX-Kept: 1\r\n\r\n",
    );
    const [head = "", body = ""] = said.split("\r\n\r\n");
    assert.match(body, /x-kept/);
    assert.doesNotMatch(body, /x-mine|^te$|proxy-authorization/m);
    assert.doesNotMatch(head, /x-theirs|proxy-authenticate/i);
  });

  it("keeps connections, on both sides", async () => {
    const port = await bench.openTo((_asked, answer) => answer.end("x".repeat(1_000)));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    for (let at = 0; at < 20; at += 1) {
      const asked = request({ port, host: "127.0.0.1", agent }).end();
      const [answer] = (await once(asked, "response")) as [IncomingMessage];
      ports.add(asked.socket?.localPort);
      answer.resume();
      await once(answer, "end");
    }
    agent.destroy();
    assert.deepEqual([ports.size, bench.dialled, bench.busy], [1, 1, 0]);
  });

  it("asks once more where a kept connection had been closed meanwhile, and only what changes nothing", async () => {
    let served = 0;
    const port = await bench.openToRaw((socket) => {
      let before = 0;
      socket.on("data", () => {
        served += 1;
        before += 1;
        if (before > 1) socket.destroy();
        else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      });
    });
    assert.equal((await get(port)).status, 200);
    assert.equal((await get(port)).status, 200);
    assert.equal(served, 3);
    const posted = await fetch(`http://127.0.0.1:${port}`, { method: "POST" });
    assert.equal(posted.status, 502);
    assert.equal(served, 4);
  });

  it("streams: events as they come, both ways at once", async () => {
    const port = await bench.openTo((asked, answer) => {
      answer.writeHead(200, { "content-type": "text/event-stream" });
      asked.on("data", (chunk: Buffer) => answer.write(`data: ${chunk.toString()}\n\n`));
      asked.on("end", () => answer.end("data: end\n\n"));
    });
    const asked = request({ port, host: "127.0.0.1", method: "POST" });
    asked.write("first");
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    const next = async () => String(((await once(answer, "data")) as [Buffer])[0]);
    assert.equal(await next(), "data: first\n\n");
    asked.write("second");
    assert.equal(await next(), "data: second\n\n");
    asked.end();
    assert.equal(await next(), "data: end\n\n");
  });

  it("answers HEAD and 304 without a body, and goes on with the connection", async () => {
    const port = await bench.openTo((asked, answer) => {
      if (asked.url === "/old") answer.writeHead(304).end();
      else answer.writeHead(200, { "content-length": 5 }).end("hello");
    });
    const one = "Host: a\r\n\r\n";
    const said = await sendRaw(
      port,
      `HEAD / HTTP/1.1\r\n${one}GET /old HTTP/1.1\r\n${one}GET / HTTP/1.1\r\nConnection: close\r\n${one}`,
    );
    const lines = said.split("\r\n").filter((line) => line.startsWith("HTTP/1.1"));
    assert.deepEqual(lines, ["HTTP/1.1 200 OK", "HTTP/1.1 304 Not Modified", "HTTP/1.1 200 OK"]);
    assert.equal(said.match(/hello/g)?.length, 1);
  });

  it("lets go of the service when the visitor goes away, and of the visitor when the service does", async () => {
    let gone: () => void = () => undefined;
    const isGone = new Promise<void>((resolve) => (gone = resolve));
    const port = await bench.openTo((asked, answer) => {
      answer.writeHead(200, { "content-length": 100 });
      if (asked.url === "/break") answer.write("some", () => answer.destroy());
      else {
        answer.once("close", gone);
        answer.write("some");
      }
    });
    const visitor = connect({ port, host: "127.0.0.1" });
    visitor.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await once(visitor, "data");
    visitor.destroy();
    await isGone;
    await assert.rejects(async () => (await get(port, {}, "/break")).text());
    assert.equal(bench.busy, 0);
  });

  it("stops reading what nobody takes", async () => {
    let sent = 0;
    const port = await bench.openTo((_asked, answer) => {
      const chunk = Buffer.alloc(1 << 20);
      const more = () => {
        while (sent < 500) {
          sent += 1;
          if (!answer.write(chunk)) {
            answer.once("drain", more);
            return;
          }
        }
        answer.end();
      };
      more();
    });
    const visitor = connect({ port, host: "127.0.0.1" });
    visitor.pause();
    visitor.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let before = -1;
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.ok(sent < 100, `${sent} MB were taken for somebody who read nothing`);
    let bytes = 0;
    visitor.on("data", (chunk: Buffer) => (bytes += chunk.length)).resume();
    await once(visitor, "end");
    assert.ok(bytes > 500 << 20);
  });

  it("carries many connections that lie idle", async () => {
    const port = await bench.openTo((_asked, answer) => answer.end("ok"));
    const idle = await Promise.all(
      Array.from({ length: 1_000 }, async () => {
        const socket = connect({ port, host: "127.0.0.1" });
        await once(socket, "connect");
        return socket;
      }),
    );
    assert.equal(await (await get(port)).text(), "ok");
    const [first] = idle;
    assert.ok(first !== undefined);
    first.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.match(String(((await once(first, "data")) as [Buffer])[0]), /200 OK/);
    for (const socket of idle) socket.destroy();
  });

  it("cuts what is under way when it is told to, and is deaf when it is closed", async () => {
    const port = await bench.openTo((_asked, answer) => void answer.writeHead(200).write("some"));
    const answer = await get(port);
    bench.doors.cut("door-0001");
    await assert.rejects(answer.text());
    assert.equal((await get(port)).status, 200);
    bench.doors.close("door-0001");
    await assert.rejects(get(port));
  });
});

describe("what could be read in two ways", () => {
  const refusedRequests: Readonly<Record<string, string>> = {
    "two kinds of length":
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "two lengths": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "a length that is none": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
    "an encoding behind chunked":
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "an encoding that hides": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a bare carriage return": "GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n",
    "no host": "GET / HTTP/1.1\r\n\r\n",
    "two hosts": "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a target at another host": "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "an encoding below chunked":
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an upgrade with two hosts":
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "an upgrade that is no GET":
      "POST / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "an upgrade with a body":
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\nabc",
  };
  for (const [what, bytes] of Object.entries(refusedRequests)) {
    it(`is refused: ${what}`, async () => {
      let served = 0;
      const port = await bench.openTo((_asked, answer) => {
        served += 1;
        answer.end();
      });
      const said = await sendRaw(port, bytes);
      assert.match(said, /^HTTP\/1\.1 400 /);
      assert.equal(said.match(/HTTP\/1\.1/g)?.length, 1);
      assert.equal(served, 0);
    });
  }

  it("is cut: chunks that are none", async () => {
    let whole = 0;
    const port = await bench.openTo((asked, answer) => {
      asked.once("end", () => (whole += 1));
      asked.resume();
      asked.once("error", () => answer.destroy());
    });
    for (const chunk of ["zz\r\nab\r\n", "2\r\nabc\r\n", "-2\r\nab\r\n", "2\nab\n"]) {
      const said = await sendRaw(
        port,
        `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n`,
      ).catch(() => "");
      assert.doesNotMatch(said, /200 OK/, chunk);
    }
    assert.equal(whole, 0);
  });

  const answers: Readonly<Record<string, string>> = {
    "two kinds of length":
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "a status that is none": "HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n",
    "another protocol": "HTTP/1.1 101 Switching\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n",
    "no HTTP": "SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "a header without a name": "HTTP/1.1 200 OK\r\n: 1\r\n\r\n",
    "a folded header": "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "a head without an end": `HTTP/1.1 200 OK\r\nX: ${"a".repeat(70_000)}`,
    nothing: "",
  };
  for (const [what, bytes] of Object.entries(answers)) {
    it(`is no answer: ${what}`, async () => {
      const port = await bench.openToRaw((socket) => {
        socket.once("data", () => socket.end(bytes, "latin1"));
      });
      const answer = await get(port);
      assert.equal(answer.status, 502);
      assert.match(await answer.text(), /closed the connection without a proper answer/);
    });
  }

  it("is cut: an answer whose chunks are none", async () => {
    for (const chunk of ["zz\r\n", "2\r\nabc\r\n", "2\nab\r\n"]) {
      const port = await bench.openToRaw((socket) => {
        socket.once("data", () =>
          socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n${chunk}0\r\n\r\n`),
        );
      });
      await assert.rejects(async () => (await get(port)).text(), chunk);
      bench.doors.close("door-0001");
    }
  });

  it("does not reach the next visitor: what comes behind an answer", async () => {
    let connections = 0;
    const port = await bench.openToRaw((socket) => {
      connections += 1;
      const own = `one ${connections}`;
      socket.once("data", () =>
        socket.write(
          `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n${own}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`,
        ),
      );
    });
    assert.equal(await (await get(port)).text(), "one 1");
    assert.equal(await (await get(port)).text(), "one 2");
  });
});
