import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readPlainRequest } from "../../src/engine/doors/plain-request.js";

const read = (text: string) => readPlainRequest(Buffer.from(text, "latin1"));

describe("a plain request", () => {
  it("is read, and what comes behind it left alone", () => {
    const head =
      "GET /a//b?c=%20#d HTTP/1.1\r\nhOsT: h:1\r\nConnection: Keep-Alive\r\nAccept:\t*/* \r\nX: \xe4\r\nE:\r\n\r\n";
    assert.deepEqual(read(`${head}GET / HTTP/1.1\r\n`), {
      method: "GET",
      target: "/a//b?c=%20#d",
      said: {
        lines: head.slice(head.indexOf("\r\n") + 2, -2),
        headers: ["hOsT", "h:1", "Connection", "Keep-Alive", "Accept", "*/*", "X", "\xe4", "E", ""],
        host: "h:1",
        accept: "*/*",
        body: undefined,
        isHeldBack: false,
      },
      bytes: head.length,
    });
    assert.equal(read("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")?.method, "HEAD");
  });

  const bodies: Readonly<Record<string, object>> = {
    "Content-Length: 5": { kind: "length", bytes: 5 },
    "content-length:0": { kind: "length", bytes: 0 },
    "Transfer-Encoding: Chunked": { kind: "chunked" },
  };
  for (const [header, framing] of Object.entries(bodies))
    it(`may have a body: ${header}`, () => {
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        const said = read(`${method} / HTTP/1.1\r\nHost: a\r\n${header}\r\n\r\nhello`)?.said;
        assert.deepEqual([said?.body, said?.isHeldBack], [framing, false], method);
      }
      const heldBack = read(`PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n${header}\r\n\r\n`);
      assert.deepEqual([heldBack?.said.body, heldBack?.said.isHeldBack], [framing, true]);
    });

  const post = (...headers: string[]) => `POST / HTTP/1.1\r\n${["Host: a", ...headers, "", ""].join("\r\n")}`;
  const others: Readonly<Record<string, string>> = {
    "nothing whole": "GET / HTTP/1.1\r\nHost: a\r\n",
    "another method": "OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a body of which nothing is said": post(),
    "two lengths": post("Content-Length: 5", "Content-Length: 5"),
    "a list of lengths": post("Content-Length: 5, 5"),
    "a signed length": post("Content-Length: +5"),
    "a length in hexadecimal": post("Content-Length: 0x5"),
    "a length beyond all measure": post("Content-Length: 1234567890123456"),
    "an empty length": post("Content-Length: "),
    "a length and an encoding": post("Content-Length: 5", "Transfer-Encoding: chunked"),
    "an encoding and a length": post("Transfer-Encoding: chunked", "Content-Length: 5"),
    "two encodings": post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "an encoding before chunked": post("Transfer-Encoding: gzip, chunked"),
    "an encoding behind chunked": post("Transfer-Encoding: chunked, identity"),
    "another encoding": post("Transfer-Encoding: identity"),
    "another expectation": post("Content-Length: 5", "Expect: 200-ok"),
    "trailers that were announced": post("Transfer-Encoding: chunked", "Trailer: X-Late"),
    "a method that begins alike": "GETS / HTTP/1.1\r\nHost: a\r\n\r\n",
    "an older version": "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
    "a target that is no path": "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target with a blank": "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target beyond ASCII": "GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n",
    "two blanks": "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a blank behind the version": "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
    "an empty line before it": "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "no host": "GET / HTTP/1.1\r\nX: a\r\n\r\n",
    "no header at all": "GET / HTTP/1.1\r\n\r\n",
    "two hosts": "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
    "an empty host": "GET / HTTP/1.1\r\nHost: \r\n\r\n",
    "a length": "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "an encoding": "GET / HTTP/1.1\r\nHost: a\r\ntransfer-ENCODING: chunked\r\n\r\n",
    "an upgrade": "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
    "an expectation": "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
    "a connection that closes": "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "a connection that names headers": "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, x\r\n\r\n",
    "a header without a name": "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    "a header without a colon": "GET / HTTP/1.1\r\nHost: a\r\nb\r\n\r\n",
    "a blank before the colon": "GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n",
    "a name with a blank": "GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n",
    "a folded header": "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
    "a bare carriage return": "GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n",
    "a bare line feed": "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "a NUL": "GET / HTTP/1.1\r\nHost: a\r\nX: b\0\r\n\r\n",
    "a DEL": "GET / HTTP/1.1\r\nHost: a\r\nX: b\x7f\r\n\r\n",
    "a head of 20 KB": `GET / HTTP/1.1\r\nHost: a\r\nX: ${"b".repeat(20_000)}\r\n\r\n`,
  };
  for (const [what, head] of Object.entries(others))
    it(`is not: ${what}`, () => assert.equal(read(head), undefined));
});
