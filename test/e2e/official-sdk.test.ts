import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ReadableStream } from "node:stream/web";
import { after, before, describe, it } from "node:test";
import {
  InvalidStateError,
  QuotaExceededError,
  SessionNotFoundError,
  SessionTerminatedError,
  type Session,
  SnapshotNotFoundError,
  TenkiSandbox,
  UnauthorizedError,
  VolumeInUseError,
  VolumeNotFoundError,
} from "@tenkicloud/sandbox";
import { waitUntil } from "../../src/lib/wait-until.js";
import { type EngineStarted, Workbench } from "./support/tenki.js";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");

/** It keeps a timer of this length for each create, and the process alive with it. */
const waitTimeoutMs = 20_000;

const echoServer = `
import socket
server = socket.socket(socket.AF_UNIX)
server.bind("echo.sock")
server.listen()
print("listening", flush=True)
while True:
    peer, _ = server.accept()
    heard = b""
    while data := peer.recv(4096): heard += data
    peer.sendall(b"heard: " + heard)
    peer.close()
`;

async function readText(stream: ReadableStream<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return text(Buffer.concat(pieces));
}

/** The client that we did not write, unchanged, against the engine. */
describe("the official SDK", () => {
  let bench: Workbench;
  let engine: EngineStarted;
  let sdk: TenkiSandbox;
  let session: Session;
  before(async () => {
    bench = await Workbench.open();
    engine = await bench.startEngine();
    sdk = new TenkiSandbox({ authToken: engine.token, baseUrl: engine.endpoint });
    session = await sdk.create({
      name: "sdk",
      waitTimeoutMs,
      env: { FROM_SESSION: "yes" },
      metadata: { owner: "alice" },
      tags: ["a", "b"],
    });
  });
  after(async () => {
    sdk.close();
    await bench.close();
  });

  it("creates a session that is running when the call returns", () => {
    assert.equal(session.name, "sdk");
    assert.equal(session.state, "RUNNING");
    assert.deepEqual(session.metadata, { owner: "alice" });
    assert.deepEqual([...session.tags].sort(), ["a", "b"]);
  });

  it("dials unix sockets inside, and half-closes", async () => {
    await session.writeFile("echo.py", echoServer);
    const server = session.run(["python3", "echo.py"]);
    await server.stdout.getReader().read();
    const { readable, writable } = await session.dial("/home/tenki/echo.sock");
    const writer = writable.getWriter();
    await writer.write(Buffer.from("to the end"));
    await writer.close();
    assert.equal(await readText(readable), "heard: to the end");
    await assert.rejects(session.dial("/etc/passwd"), /path_denied/);
    await assert.rejects(session.dial("/home/tenki/none.sock"), /path_denied/);
    await server.kill();
  });

  it("tunnels a host's port into the session", async () => {
    const server = createServer((_, answer) => answer.end("from here"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const tunnel = await session.hostPortTunnel("127.0.0.1", port);
    const url = `http://127.0.0.1:${tunnel.sandboxPort}/`;
    for (let round = 0; round < 3; round++) {
      const result = await session.exec("curl", { args: ["-sS", url] });
      assert.equal(text(result.stdout), "from here", text(result.stderr));
    }
    await assert.rejects(
      session.hostPortTunnel("127.0.0.1", port, { sandboxPort: tunnel.sandboxPort }),
      /address already in use/,
    );
    await tunnel.close();
    assert.deepEqual(await tunnel.terminated, { reason: "sdk_closed" });
    const gone = await waitUntil(
      async () => ((await session.exec("curl", { args: ["-sS", url] })).exitCode === 7 ? true : undefined),
      { timeoutMs: 10_000 },
    );
    assert.ok(gone, "the port is still listened on");
    server.close();
  });

  it("has volumes that outlive a session", async () => {
    const volume = await sdk.createVolume({ name: "sdk-volume", sizeBytes: 16 * 2 ** 20 });
    assert.equal((await sdk.waitVolumeReady(volume.id)).state, "AVAILABLE");
    const first = await sdk.create({ waitTimeoutMs, volumes: [{ volumeId: volume.id, mountPath: "/data" }] });
    assert.deepEqual(first.volumeMounts, [{ volumeId: volume.id, mountPath: "/data", readOnly: false }]);
    assert.equal((await first.exec("sh", { args: ["-c", "echo kept > /data/file"] })).exitCode, 0);
    await assert.rejects(session.attachVolume(volume.id, "/data"), VolumeInUseError);
    await assert.rejects(sdk.deleteVolume(volume.id), VolumeInUseError);
    await first.detachVolume(volume.id);
    assert.deepEqual(first.volumeMounts, []);
    await session.attachVolume(volume.id, "/data", { readOnly: true });
    assert.equal(text((await session.exec("cat", { args: ["/data/file"] })).stdout), "kept\n");
    const { activeAttachments } = await sdk.getVolume(volume.id);
    assert.deepEqual(
      activeAttachments?.map(({ sessionId, readOnly }) => [sessionId, readOnly]),
      [[session.id, true]],
    );
    assert.equal((await sdk.resizeVolume(volume.id, 32 * 2 ** 20)).sizeBytes, 32 * 2 ** 20);
    assert.deepEqual((await sdk.updateVolume(volume.id, { name: "renamed", tags: ["ci"] })).tags, ["ci"]);
    assert.deepEqual(
      (await sdk.listVolumes()).map(({ name }) => name),
      ["renamed"],
    );
    await session.detachVolume(volume.id, { force: true });
    await sdk.deleteVolume(volume.id);
    await assert.rejects(sdk.getVolume(volume.id), VolumeNotFoundError);
    await first.close();
  });

  it("takes snapshots, and makes sessions of them", async () => {
    await session.writeFile("before.txt", "as it was");
    const expiresAt = new Date(Date.now() + 3_600_000);
    const taken = await sdk.createSnapshot(session.id, { name: "sdk-snapshot", expiresAt });
    assert.deepEqual(
      [taken.state, taken.type, taken.name, taken.sessionId],
      ["READY", "USER", "sdk-snapshot", session.id],
    );
    assert.ok(taken.sizeBytes > 0 && Math.abs(+(taken.expiresAt ?? 0) - +expiresAt) < 1_000);
    const begun = await sdk.createSnapshotAsync(session.id);
    assert.equal((await sdk.waitSnapshotReady(begun.id)).state, "READY");
    const waited = await sdk.createSnapshotAndWait(session.id, { timeoutMs: waitTimeoutMs });
    const ids = [waited.id, begun.id, taken.id];
    assert.deepEqual(
      (await sdk.listSnapshots()).map(({ id }) => id),
      ids,
    );
    assert.deepEqual(
      (await sdk.listSessionSnapshots(session.id)).map(({ id }) => id),
      ids,
    );
    assert.deepEqual(await sdk.listDanglingSnapshots(), []);
    await session.writeFile("before.txt", "later");
    const made = await sdk.create({ waitTimeoutMs, snapshotId: taken.id });
    assert.equal(made.sourceSnapshotId, taken.id);
    assert.equal(text(await made.readFile("before.txt")), "as it was");
    await made.close();
    const changed = await sdk.updateSnapshot(taken.id, { name: "renamed", tags: ["ci"] });
    assert.deepEqual([changed.name, changed.tags], ["renamed", ["ci"]]);
    const { url } = await sdk.getSnapshotDownloadURL(taken.id);
    const tar = Buffer.from(await (await fetch(url)).arrayBuffer());
    assert.ok(tar.includes("before.txt") && tar.includes("as it was"));
    for (const id of ids) assert.equal((await sdk.deleteSnapshot(id)).state, "DELETED");
    await assert.rejects(sdk.getSnapshot(taken.id), SnapshotNotFoundError);
  });

  it("sees the disk of a paused session as its snapshot", async () => {
    await session.pause();
    const { pauseSnapshotId, pauseSnapshot } = await sdk.get(session.id);
    assert.deepEqual([pauseSnapshot?.id, pauseSnapshot?.type], [pauseSnapshotId, "PAUSE"]);
    await session.resume();
    assert.equal((await sdk.get(session.id)).pauseSnapshotId, undefined);
  });

  it("runs commands, with streams and exit codes", async () => {
    const result = await session.exec("sh", {
      args: ["-c", "echo $FROM_SESSION $MORE; echo err >&2; exit 7"],
      env: { MORE: "too" },
    });
    assert.equal(result.exitCode, 7);
    assert.equal(text(result.stdout), "yes too\n");
    assert.equal(text(result.stderr), "err\n");
    assert.equal(result.status, "FAILED");
    assert.equal((await session.exec("true")).status, "SUCCEEDED");
  });

  it("runs with stdin", async () => {
    const handle = session.run(["sh", "-c", "read line; echo got $line; cat >&2"]);
    const writer = handle.stdin.getWriter();
    await writer.write(Buffer.from("first\nsecond\n"));
    await writer.close();
    const result = await handle;
    assert.ok((await handle.pid) > 0);
    assert.equal(text(result.stdout), "got first\n");
    assert.equal(text(result.stderr), "second\n");
    assert.equal(result.exitCode, 0);
  });

  it("ends a run by a signal", async () => {
    const handle = session.run(["sleep", "1000"]);
    await handle.pid;
    await handle.signal("TERM");
    const result = await handle;
    assert.equal(result.signal, "TERM");
    assert.equal(result.reason, "signaled");
  });

  it("streams", async () => {
    const stream = await session.stream("sh", { args: ["-c", "for i in 1 2 3; do echo $i; done"] });
    let seen = "";
    for (let chunk = await stream.next(); chunk; chunk = await stream.next()) seen += text(chunk.data);
    assert.equal((await stream.wait()).exitCode, 0);
    assert.equal(seen, "1\n2\n3\n");
  });

  it("writes and reads files, whole and as streams", async () => {
    await session.writeFile("note.txt", "hello");
    assert.equal(text(await session.readFile("/home/tenki/note.txt")), "hello");
    const big = Buffer.alloc(5_000_000, "abcdefghij");
    await session.writeFileStream("big.bin", new Blob([big]).stream());
    let size = 0;
    const reader = (
      await session.readFileStream("big.bin", { offset: 10, length: 4_000_000, chunkBytes: 65_536 })
    ).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) size += part.value.length;
    assert.equal(size, 4_000_000);
  });

  it("looks at, makes, lists and removes", async () => {
    await session.mkdir("folder");
    await session.writeFile("folder/one", "1");
    const info = await session.stat("folder/one");
    assert.equal(Number(info.size), 1);
    assert.equal(info.isDir, false);
    const names = (await session.list("folder")).map(({ path }) => path.split("/").pop());
    assert.deepEqual(names, ["one"]);
    await session.remove("folder/one");
    assert.deepEqual(await session.list("folder"), []);
    await assert.rejects(session.readFile("folder/one"), /no such file/i);
  });

  it("refreshes, lists, gets, updates and extends", async () => {
    await session.refresh();
    assert.ok((await sdk.list()).some(({ id }) => id === session.id));
    assert.deepEqual((await sdk.list({ tags: ["none-such"] })).length, 0);
    const again = await sdk.get(session.id);
    assert.equal(again.name, "sdk");
    await session.update({ name: "renamed", tags: ["c"] });
    await sdk.updateSession(session.id, { maxDurationMs: 3_600_000 });
    await session.refresh();
    assert.equal(session.name, "renamed");
    const before = (await sdk.get(session.id)) as unknown as { timeoutAt?: Date };
    await session.extend(600_000);
    await session.refresh();
    const after = session as unknown as { timeoutAt?: Date };
    assert.equal((after.timeoutAt?.getTime() ?? 0) - (before.timeoutAt?.getTime() ?? 0), 600_000);
  });

  it("pauses and resumes, with what runs in it", async () => {
    const line = "sleep 1000 >/dev/null 2>&1 </dev/null & echo $!";
    const pid = text((await session.exec("sh", { args: ["-c", line] })).stdout).trim();
    await session.pause();
    assert.equal(session.state, "PAUSED");
    assert.ok(session.pausedAt !== undefined);
    await assert.rejects(session.exec("true"), (error: unknown) => {
      assert.ok(error instanceof InvalidStateError);
      assert.match(error.message, /state=PAUSED/);
      return true;
    });
    await assert.rejects(session.pause(), InvalidStateError);
    await session.resume();
    await session.waitResumed();
    assert.equal(session.state, "RUNNING");
    assert.equal((await session.exec("kill", { args: ["-0", pid] })).exitCode, 0, "it is still there");
    await assert.rejects(session.resume(), InvalidStateError);
  });

  it("knows who it is", async () => {
    const identity = await sdk.whoAmI();
    assert.equal(identity.workspaces.length, 1);
    assert.notEqual(identity.ownerId, "");
  });

  it("counts what is used, and tells a quota apart from other refusals", async () => {
    const usage = async (key: string) => (await sdk.getUsage()).find((limit) => limit.key === key);
    const active = await usage("active_sessions");
    assert.deepEqual([active?.current, active?.max, active?.unit], [1, undefined, "count"]);
    assert.equal((await usage("total_bytes"))?.unit, "bytes");
    await bench.ok(["sandbox", "settings", "set", "--max-concurrent-sessions", "1"]);
    assert.equal((await usage("active_sessions"))?.max, 1);
    await assert.rejects(sdk.create({ waitTimeoutMs }), QuotaExceededError);
    await bench.ok(["sandbox", "settings", "set", "--max-concurrent-sessions", "none"]);
  });

  it("tells unknown, terminated and unauthorised apart by its own error types", async () => {
    await assert.rejects(sdk.get("00000000-0000-4000-8000-000000000000"), SessionNotFoundError);
    const wrong = new TenkiSandbox({ authToken: "tk_wrong", baseUrl: engine.endpoint });
    await assert.rejects(wrong.whoAmI(), UnauthorizedError);
    wrong.close();
    const short = await sdk.create({ name: "short", waitTimeoutMs });
    await short.close();
    await short.refresh();
    assert.equal(short.state, "TERMINATED");
    await assert.rejects(
      short.extend(1_000),
      (error: unknown) => error instanceof SessionTerminatedError || error instanceof InvalidStateError,
    );
  });

  it("closes", async () => {
    await session.close();
    await session.closeIfOpen();
    await assert.rejects(session.exec("true"));
    assert.equal((await sdk.list()).length, 0);
  });

  it("exposes ports, and keeps preview URLs", async () => {
    const web = await sdk.create({ name: "web", waitTimeoutMs, allowInbound: true });
    const serve = "setsid python3 -u -m http.server 3000 > log 2>&1 < /dev/null &";
    await web.exec("sh", { args: ["-c", `${serve} until grep -q Serving log; do sleep 0.05; done`] });
    const exposed = await web.exposePort(3000, { ttlMs: 3_600_000 });
    assert.match(await (await fetch(exposed.previewUrl)).text(), /Directory listing/);
    assert.deepEqual(
      (await web.listExposedPorts()).map(({ port, previewUrl }) => [port, previewUrl]),
      [[3000, exposed.previewUrl]],
    );
    await web.unexposePort(3000);
    const closed = await sdk.create({ waitTimeoutMs, allowInbound: false });
    await assert.rejects(closed.exposePort(3000), { name: "InboundDisabledError" });
    await closed.close();
    const preview = await sdk.previewUrls.create("demo", { sessionId: web.id, port: 3000 });
    assert.match(await (await fetch(preview.previewUrl)).text(), /Directory listing/);
    assert.equal((await sdk.previewUrls.unbind(preview.id)).port, undefined);
    assert.equal((await sdk.previewUrls.bind(preview.id, web.id, 3001)).port, 3001);
    assert.equal((await sdk.previewUrls.get(preview.id)).slug, "demo");
    assert.equal((await sdk.previewUrls.list()).length, 1);
    await sdk.previewUrls.delete(preview.id);
    await web.close();
  });
});
