import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { artifactBytesMax } from "../../src/engine/core/files/artifacts.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { openServer } from "../server/test-server.js";
import { failureOf, ServiceBench } from "./service-bench.js";

/** The links of a session's artifacts, served over a real port. */
describe("artifacts", () => {
  let bench: ServiceBench;
  let server: Awaited<ReturnType<typeof openServer>>;
  let id: string;
  before(async () => {
    const routes: ServiceBench["artifactRoute"][] = [];
    server = await openServer({ routes });
    bench = new ServiceBench({ publicUrl: server.url });
    routes.push(bench.artifactRoute);
    ({ id } = await bench.running());
  });
  after(() => server.stop());

  const uploadTo = async (path: string, contentType = "") =>
    bench.sandbox.getArtifactUploadUrl({ sessionId: id, path, contentType });
  const downloadUrl = async (artifactId: string) =>
    (await bench.sandbox.getArtifactDownloadUrl({ artifactId })).downloadUrl;
  const put = (url: string, body: string) => fetch(url, { method: "PUT", body });
  const fileOf = (path: string) => bench.parts.runtime.sandboxes.get(id)?.files.stat(`/home/tenki/${path}`);

  it("go in and out by links", async () => {
    const { artifactId, uploadUrl, expiresAt } = await uploadTo("out/é.txt", "text/plain; charset=utf-8");
    assert.equal(Number(expiresAt?.seconds) * 1_000, bench.clock.now().getTime() + 15 * 60_000);
    await bench.parts.runtime.sandboxes
      .get(id)
      ?.files.makeDirectory("/home/tenki/out", { mode: 0, recursive: true });
    assert.equal((await put(uploadUrl, "what was made")).status, 200);
    const response = await fetch(await downloadUrl(artifactId));
    assert.equal(response.status, 200);
    const { headers } = response;
    assert.deepEqual(
      [
        "content-type",
        "content-length",
        "content-disposition",
        "x-content-type-options",
        "cache-control",
      ].map((name) => headers.get(name)),
      ["text/plain; charset=utf-8", "13", "attachment; filename*=UTF-8''%C3%A9.txt", "nosniff", "no-store"],
    );
    assert.equal(await response.text(), "what was made");
  });

  it("show their size without their content", async () => {
    const { artifactId, uploadUrl } = await uploadTo("head.bin");
    await put(uploadUrl, "12345");
    const response = await fetch(await downloadUrl(artifactId), { method: "HEAD" });
    assert.deepEqual([response.status, response.headers.get("content-length")], [200, "5"]);
    assert.equal(response.headers.get("content-type"), "application/octet-stream");
    assert.equal(await response.text(), "");
  });

  it("may be empty, and may be replaced", async () => {
    const { artifactId, uploadUrl } = await uploadTo("again");
    await put(uploadUrl, "first");
    await put(uploadUrl, "");
    assert.equal(await (await fetch(await downloadUrl(artifactId))).text(), "");
  });

  it("go over HTTP/2 too", async () => {
    const { artifactId, uploadUrl } = await uploadTo("two");
    const session = connectHttp2(server.url);
    const call = async (url: string, method: string, body?: string) => {
      const { pathname, search } = new URL(url);
      const stream = session.request(
        { ":method": method, ":path": pathname + search },
        { endStream: body === undefined },
      );
      const status = new Promise<number | undefined>((resolve) =>
        stream.once("response", (headers) => resolve(headers[":status"])),
      );
      if (body !== undefined) stream.end(body);
      let text = "";
      for await (const chunk of stream) text += String(chunk);
      return [await status, text];
    };
    assert.deepEqual(await call(uploadUrl, "PUT", "by two"), [200, ""]);
    assert.deepEqual(await call(await downloadUrl(artifactId), "GET"), [200, "by two"]);
    session.close();
  });

  const statusOf = async (url: string, options: RequestInit = {}) => {
    const response = await fetch(url, options);
    const text = await response.text();
    if (!response.ok) assert.match(text, /^[^\n]{5,120}\n$/);
    return response.status;
  };

  it("are for one direction each", async () => {
    const { artifactId, uploadUrl } = await uploadTo("one-way");
    await put(uploadUrl, "x");
    const url = await downloadUrl(artifactId);
    const wrong = await fetch(uploadUrl);
    assert.deepEqual([wrong.status, wrong.headers.get("allow")], [405, "PUT"]);
    assert.equal(await statusOf(uploadUrl, { method: "POST", body: "x" }), 405);
    assert.equal(await statusOf(url, { method: "PUT", body: "x" }), 405);
    assert.equal(await statusOf(url, { method: "DELETE" }), 405);
    assert.equal(await statusOf(url.replace("/download", "/upload"), { method: "PUT", body: "x" }), 403);
  });

  it("open with nothing but the signature that was issued, in its time", async () => {
    const { artifactId, uploadUrl } = await uploadTo("signed");
    const other = await uploadTo("other");
    await put(uploadUrl, "x");
    const url = await downloadUrl(artifactId);
    const changed = (name: string, change: (value: string) => string) => {
      const copy = new URL(url);
      copy.searchParams.set(name, change(copy.searchParams.get(name) ?? ""));
      return copy.href;
    };
    assert.equal(await statusOf(changed("signature", (value) => `${value.slice(0, -2)}AA`)), 403);
    assert.equal(await statusOf(changed("signature", () => "")), 403);
    assert.equal(await statusOf(changed("expires", (value) => String(Number(value) + 1))), 403);
    assert.equal(await statusOf(changed("expires", () => "NaN")), 403);
    assert.equal(await statusOf(url.replace(artifactId, other.artifactId)), 403);
    assert.equal(await statusOf(new URL(url).origin + new URL(url).pathname), 403);
    assert.equal(await statusOf(`${server.url}/artifacts/`), 404);
    assert.equal(await statusOf(`${server.url}/artifacts/../x`), 404);
    assert.equal(await statusOf(url, { headers: { origin: "https://evil.example" } }), 403);
    assert.equal(await statusOf(url), 200);
    bench.clock.set(new Date(bench.clock.now().getTime() + 15 * 60_000));
    assert.equal(await statusOf(url), 403);
  });

  it("say what is not there", async () => {
    const { artifactId } = await uploadTo("never-made");
    assert.equal(await statusOf(await downloadUrl(artifactId)), 404);
    const unknown = { artifactId: "0190d3c5-0000-7000-8000-000000000001" };
    const { code, rawMessage } = await failureOf(bench.sandbox.getArtifactDownloadUrl(unknown));
    assert.equal(code, Code.NotFound);
    assert.match(rawMessage, /^artifact not found/);
  });

  it("refuse what is too large before it comes", async () => {
    const { uploadUrl } = await uploadTo("large");
    const { pathname, search, port } = new URL(uploadUrl);
    const socket = connect(Number(port), "127.0.0.1");
    const head = [
      "PUT " + pathname + search + " HTTP/1.1",
      "Host: x",
      `Content-Length: ${artifactBytesMax + 1}`,
    ];
    socket.write(`${head.join("\r\n")}\r\n\r\nsome`);
    let answer = "";
    for await (const chunk of socket) {
      answer += String(chunk);
      if (answer.endsWith("\n")) break;
    }
    assert.match(answer, /^HTTP\/1\.1 413 [^]*an upload holds at most 5(\.0)? ?GiB\n$/);
    assert.equal(await fileOf("large"), undefined);
  });

  it("leave what was there when an upload breaks off", async () => {
    const { artifactId, uploadUrl } = await uploadTo("kept");
    await put(uploadUrl, "whole");
    const { pathname, search, port } = new URL(uploadUrl);
    const socket = connect(Number(port), "127.0.0.1");
    const head = ["PUT " + pathname + search + " HTTP/1.1", "Host: x", "Content-Length: 100"];
    const logged = bench.logged.length;
    socket.write(`${head.join("\r\n")}\r\n\r\nhalf`, () => socket.destroy());
    const over = () =>
      bench.logged.slice(logged).some((line) => line.startsWith("artifact ")) ? true : undefined;
    assert.ok(await waitUntil(over, { timeoutMs: 10_000 }));
    assert.equal(await (await fetch(await downloadUrl(artifactId))).text(), "whole");
    assert.ok(!bench.logged.slice(logged).some((line) => line.includes("unexpected")));
  });

  it("leave what was there when an upload over HTTP/2 is reset", async () => {
    const { artifactId, uploadUrl } = await uploadTo("kept-too");
    await put(uploadUrl, "whole");
    const { pathname, search } = new URL(uploadUrl);
    const session = connectHttp2(server.url);
    const stream = session.request({ ":method": "PUT", ":path": pathname + search });
    stream.on("error", () => undefined);
    const logged = bench.logged.length;
    stream.write("half", () => stream.destroy(new Error("given up")));
    const over = () =>
      bench.logged.slice(logged).some((line) => line.startsWith("artifact ")) ? true : undefined;
    assert.ok(await waitUntil(over, { timeoutMs: 10_000 }));
    assert.equal(await (await fetch(await downloadUrl(artifactId))).text(), "whole");
    session.close();
  });

  it("are made for files below the home directory only, and with a type that is one", async () => {
    assert.equal((await failureOf(uploadTo("/etc/passwd"))).code, Code.PermissionDenied);
    assert.equal((await failureOf(uploadTo("../x"))).code, Code.PermissionDenied);
    assert.equal((await failureOf(uploadTo("."))).code, Code.PermissionDenied);
    assert.equal(
      (await failureOf(uploadTo("x", "text/plain\r\nset-cookie: a=b"))).code,
      Code.InvalidArgument,
    );
    assert.equal((await failureOf(uploadTo("x", "text"))).code, Code.InvalidArgument);
  });

  it("are logged without what opens them", () => {
    const lines = bench.logged.filter((line) => line.startsWith("artifact "));
    assert.ok(lines.some((line) => line.includes('"direction":"upload"') && line.includes(id)));
    assert.doesNotMatch(bench.logged.join("\n"), /signature=|expires=/);
  });

  it("are over with their session", async () => {
    const { artifactId, uploadUrl } = await uploadTo("last");
    await put(uploadUrl, "x");
    const url = await downloadUrl(artifactId);
    await bench.sandbox.pauseSession({ sessionId: id });
    assert.equal(await statusOf(url), 409);
    assert.equal((await failureOf(uploadTo("x"))).code, Code.FailedPrecondition);
    await bench.sandbox.terminateSession({ sessionId: id });
    assert.equal(await statusOf(url), 404);
    assert.equal((await failureOf(bench.sandbox.getArtifactDownloadUrl({ artifactId }))).code, Code.NotFound);
  });
});
