import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { connect as connectSocket, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { WebSocket } from "ws";
import { TenkiError } from "../../src/domain/error.js";
import { Credentials } from "../../src/engine/core/access/credentials.js";
import { Certificates } from "../../src/engine/core/ssh/certificates.js";
import { SshServers } from "../../src/engine/core/ssh/ssh-servers.js";
import { OpensshKeys } from "../../src/engine/openssh/openssh-keys.js";
import { laneFrames, laneRules } from "../../src/domain/run-lane.js";
import { sshLaneProtocol, sshPassHeader } from "../../src/domain/ssh-lane.js";
import { FrameSource } from "../../src/lib/frames.js";
import { sshBridgeRoute } from "../../src/engine/services/ssh-bridge.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { Workbench, token } from "../core/workbench.js";
import { openServer, recordingLogger } from "../server/test-server.js";

const soon = { timeoutMs: 10_000 };
const bearer = { authorization: `Bearer ${token}` };

describe("the bridge to SSH servers", () => {
  let dataDir: string;
  let bench: Workbench;
  let server: Awaited<ReturnType<typeof openServer>>;
  let stopping: AbortController;
  let sessionId: string;
  let credentials: Credentials;
  const lines: Parameters<typeof recordingLogger>[0] = [];
  before(() => void (dataDir = mkdtempSync(join(tmpdir(), "tenki-bridge-"))));
  beforeEach(async () => {
    await server?.stop();
    lines.splice(0);
    bench = new Workbench();
    stopping = new AbortController();
    const { sessions, clock, access, parts } = bench;
    const keys = new OpensshKeys({ dataDir });
    const certificates = new Certificates({ sessions, keys, clock });
    const sshServers = new SshServers({ sessions, runtime: parts.runtime, keys, certificates });
    credentials = new Credentials(bench.store, clock);
    const route = sshBridgeRoute({
      sessions,
      sshServers,
      checkToken: (given) => access.checkToken(given),
      credentials,
      ready: Promise.resolve(),
      stopping: stopping.signal,
      log: recordingLogger(lines),
    });
    server = await openServer({ upgrades: [route] });
    sessionId = (await bench.createRunning()).id;
  });
  after(async () => {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const processes = () => bench.parts.runtime.sandboxes.get(sessionId)?.processes.size ?? 0;
  /** A server that goes on without its client has 10 s to end by itself. */
  const untilNoneRuns = async () => {
    const gone = await waitUntil(() => (processes() === 0 ? true : undefined), { timeoutMs: 30_000 });
    assert.ok(gone, "a server is left");
  };

  const dial = (path = `/v1/ssh/${sessionId}`, headers: Record<string, string> = bearer) =>
    new WebSocket(server.url.replace("http", "ws") + path, { headers, perMessageDeflate: false });

  async function open(): Promise<WebSocket> {
    const socket = dial();
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return socket;
  }

  async function refusal(socket: WebSocket): Promise<{ status: number | undefined; text: string }> {
    socket.on("error", () => undefined);
    const response = await new Promise<IncomingMessage>((resolve) =>
      socket.once("unexpected-response", (_, answer) => resolve(answer)),
    );
    let text = "";
    for await (const chunk of response.setEncoding("utf8")) text += chunk;
    return { status: response.statusCode, text };
  }

  const closed = (socket: WebSocket) =>
    new Promise<[number, string]>((resolve) =>
      socket.once("close", (code, reason) => resolve([code, reason.toString()])),
    );

  const received = (socket: WebSocket, count: number) =>
    new Promise<Buffer>((resolve) => {
      const chunks: Buffer[] = [];
      socket.on("message", (data: Buffer) => {
        chunks.push(data);
        const all = Buffer.concat(chunks);
        if (all.length >= count) resolve(all);
      });
    });

  it("carries bytes either way, hears no text, and ends with the server", async () => {
    const socket = await open();
    const echoed = received(socket, 5);
    socket.send("quit");
    socket.send(Buffer.from([0, 255]));
    socket.send(Buffer.alloc(0));
    socket.send(Buffer.from("abc"));
    assert.deepEqual(await echoed, Buffer.from([0, 255, 97, 98, 99]));
    socket.send(Buffer.from("quit"));
    assert.deepEqual(await closed(socket), [1000, ""]);
    await untilNoneRuns();
  });

  it("takes what was sent along with the upgrade, and messages of up to a MiB", async () => {
    const socket = dial();
    const large = Buffer.alloc(1 << 20, "x");
    const echoed = received(socket, large.length);
    await new Promise((resolve) => socket.once("open", resolve));
    socket.send(large);
    assert.ok((await echoed).equals(large));
    socket.send(Buffer.alloc((1 << 20) + 1));
    assert.equal((await closed(socket))[0], 1009);
    await untilNoneRuns();
  });

  const headers: Record<string, [Record<string, string>, number]> = {
    "no token": [{}, 401],
    "a wrong token": [{ authorization: "Bearer tk_wrong" }, 401],
    "a credential of the data plane": [{ "x-tenki-session-cert": token }, 401],
    "a page of another host": [{ ...bearer, origin: "https://example.com" }, 403],
  };
  for (const [what, [given, status]] of Object.entries(headers)) {
    it(`answers ${status} to ${what}`, async () => {
      assert.equal((await refusal(dial(undefined, given))).status, status);
      assert.deepEqual(bench.parts.runtime.sandboxes.get(sessionId)?.commands, []);
    });
  }

  it("takes a token in each of its three forms", async () => {
    const forms: Record<string, string>[] = [
      { "x-session-token": token },
      { cookie: `ory_kratos_session=${token}` },
    ];
    for (const given of forms) {
      const socket = dial(undefined, given);
      await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
      socket.terminate();
    }
  });

  it("answers 404 to what is no session", async () => {
    for (const id of [crypto.randomUUID(), "x", "", "%2e%2e%2f", `${sessionId}/x`]) {
      const { status, text } = await refusal(dial(`/v1/ssh/${id}`));
      assert.equal(status, 404);
      assert.match(text, /session not found/);
    }
  });

  it("answers 409 with the state to a session that does not run", async () => {
    await bench.sessions.pause(sessionId);
    assert.deepEqual(await refusal(dial()), {
      status: 409,
      text: "session is not running (state=PAUSED)\n",
    });
    await bench.sessions.terminate(sessionId);
    assert.deepEqual(await refusal(dial()), {
      status: 409,
      text: "session is terminated (state=TERMINATED)\n",
    });
  });

  it("answers 503, and why, where there is no server", async () => {
    bench.parts.runtime.sshServer = () => {
      throw new TenkiError("failed_precondition", "there is no sshd here");
    };
    assert.deepEqual(await refusal(dial()), { status: 503, text: "there is no sshd here\n" });
  });

  it("answers 503 where the server does not start, or the engine stops", async () => {
    bench.parts.runtime.sshServer = () => ({ argv: ["no-sshd"], settings: [] });
    const missing = await refusal(dial());
    assert.equal(missing.status, 503);
    assert.match(missing.text, /did not start: .*no such file/);
    stopping.abort(new TenkiError("unavailable", "the engine is stopping"));
    assert.deepEqual(await refusal(dial()), { status: 503, text: "the engine is stopping\n" });
  });

  describe("by the lane", () => {
    let pass: string | undefined;
    const lane = (headers: Record<string, string> = bearer, path = `/v1/ssh/${sessionId}`) =>
      new Promise<Socket | number | undefined>((resolve, reject) => {
        const asked = { connection: "upgrade", upgrade: sshLaneProtocol, ...headers };
        const call = request(server.url + path, { headers: asked });
        call.once("upgrade", (answer, socket: Socket) => {
          pass = answer.headers[sshPassHeader]?.toString();
          resolve(socket);
        });
        call.once("response", (answer) => resolve(answer.resume().statusCode)).once("error", reject);
        call.end();
      });

    async function openLane(): Promise<Socket> {
      const socket = await lane();
      assert.ok(typeof socket === "object");
      return socket;
    }

    it("gives who has the token a pass, which opens that session's lane for a while, and nothing else", async () => {
      const { clock } = bench;
      (await openLane()).destroy();
      const [credential = "", expiresAt] = pass?.split(" ") ?? [];
      assert.equal(Number(expiresAt), clock.now().getTime() + 15 * 60_000);
      const headers = { "x-tenki-session-cert": credential };
      const again = await lane(headers);
      assert.ok(typeof again === "object");
      again.destroy();
      assert.equal(pass, undefined, "a pass for a pass would be one for ever");
      assert.equal((await refusal(dial(undefined, headers))).status, 401, "by the WebSocket");
      const other = await bench.createRunning();
      assert.equal(await lane(headers, `/v1/ssh/${other.id}`), 403);
      assert.equal(await lane({ "x-tenki-session-cert": `${credential}x` }), 401);
      await clock.advance(15 * 60_000);
      assert.equal(await lane(headers), 401);
      await untilNoneRuns();
    });

    it("tells beside the bytes why a login is refused, and how it ended", async () => {
      const socket = await openLane();
      const frames = new FrameSource(socket, laneRules);
      socket.write("log Certificate invalid: expired");
      const told = await frames.next();
      assert.equal(told?.kind, laneFrames.message);
      socket.write("quit");
      const end = await frames.next();
      assert.equal(end?.kind, laneFrames.end);
      assert.deepEqual(JSON.parse(end?.payload.toString() ?? ""), { code: 1000, reason: "" });
      assert.equal(await frames.next(), undefined);
      await untilNoneRuns();
    });

    it("says in the answer where the server does not start, for the client takes another way then", async () => {
      bench.parts.runtime.sshServer = () => ({ argv: ["no-sshd"], settings: [] });
      assert.equal(await lane(), 503);
    });

    it("ends its server with its caller", async () => {
      const socket = await openLane();
      assert.equal(processes(), 1);
      socket.destroy();
      await untilNoneRuns();
    });

    it("ends a server, too, that takes no notice of its caller's end", async () => {
      const socket = await openLane();
      socket.end("stall");
      await untilNoneRuns();
      socket.destroy();
    });

    it("says that the engine stops", async () => {
      const socket = await openLane();
      const frames = new FrameSource(socket, laneRules);
      stopping.abort(new TenkiError("unavailable", "the engine is stopping"));
      const end = await frames.next();
      assert.deepEqual(JSON.parse(end?.payload.toString() ?? ""), {
        ...{ code: 1001, reason: "the engine is stopping" },
      });
      await untilNoneRuns();
    });

    it("answers as the WebSocket does to who may not, and to what is no session", async () => {
      assert.equal(await lane({}), 401);
      assert.equal(await lane({ ...bearer, origin: "https://example.com" }), 403);
      assert.equal(await lane(bearer, "/v1/ssh/x"), 404);
      assert.equal(processes(), 0);
    });
  });

  it("leaves nothing behind where the client's handshake is none, or it goes during it", async () => {
    const request = (key: string) =>
      [
        `GET /v1/ssh/${sessionId} HTTP/1.1`,
        ...["host: x", "connection: upgrade", "upgrade: websocket", `authorization: Bearer ${token}`],
        ...["sec-websocket-version: 13", `sec-websocket-key: ${key}`, "", ""],
      ].join("\r\n");
    const answer = await new Promise<string>((resolve) => {
      const socket = connectSocket(Number(new URL(server.url).port), "127.0.0.1");
      socket.write(request("short"));
      socket.once("data", (data: Buffer) => resolve(data.toString()));
    });
    assert.match(answer, /^HTTP\/1.1 400 /);
    await untilNoneRuns();
    const socket = connectSocket(Number(new URL(server.url).port), "127.0.0.1");
    await new Promise<void>((resolve) => socket.write(request("c2hvcnQgb2YgYnl0ZXM9PQ=="), () => resolve()));
    socket.destroy();
    await untilNoneRuns();
  });

  it("ends the server's input when the client closes, and when it is just gone", async () => {
    const polite = await open();
    polite.close(1000);
    await untilNoneRuns();
    const rude = await open();
    rude.terminate();
    await untilNoneRuns();
  });

  it("ends with the session, and says so", async () => {
    const socket = await open();
    const ended = closed(socket);
    await bench.sessions.terminate(sessionId);
    const [code, reason] = await ended;
    assert.equal(code, 1001);
    assert.match(reason, /^session is terminated /);
  });

  it("ends with the engine, and says so", async () => {
    const socket = await open();
    const ended = closed(socket);
    stopping.abort(new TenkiError("unavailable", "the engine is stopping"));
    assert.deepEqual(await ended, [1001, "the engine is stopping"]);
    await untilNoneRuns();
  });

  it("keeps the session busy for as long as it is open", async () => {
    const idle = await bench.createRunning({ idleTimeoutMinutes: 1 });
    sessionId = idle.id;
    const reaper = bench.reaper();
    const socket = await open();
    await reaper.tick();
    await bench.clock.advance(5 * 60_000);
    assert.equal(bench.sessions.get(sessionId).state, "RUNNING");
    const ended = closed(socket);
    socket.close(1000);
    await untilNoneRuns();
    await ended;
    await bench.clock.advance(2 * 60_000);
    assert.equal((await bench.until(sessionId, "PAUSED")).state, "PAUSED");
    reaper.stop();
  });

  it("reads no more of a client than the server takes", async () => {
    const socket = await open();
    const sent = 64 << 20;
    socket.send(Buffer.from("stall"));
    for (let left = sent; left > 0; left -= 1 << 20) socket.send(Buffer.alloc(1 << 20));
    let last = -1;
    const stuck = await waitUntil(
      () => {
        const before_ = last;
        last = socket.bufferedAmount;
        return before_ === last ? last : undefined;
      },
      { ...soon, intervalMs: 300 },
    );
    assert.ok((stuck ?? 0) > sent / 2, `only ${stuck} bytes were held back`);
    await bench.sessions.terminate(sessionId);
    socket.terminate();
  });

  it("sends no more than the client takes", async () => {
    const socket = await open();
    socket.send(Buffer.from("flood"));
    socket.pause();
    const sent = () => process.memoryUsage().external + process.memoryUsage().arrayBuffers;
    const before_ = sent();
    let last = -1;
    await waitUntil(() => (last === (last = sent()) ? true : undefined), { ...soon, intervalMs: 300 });
    assert.ok(sent() - before_ < 32 << 20, "what is not read piles up");
    socket.terminate();
    await untilNoneRuns();
  });

  it("tells why the server lets nobody in, once, and nothing else that comes from inside", async () => {
    const socket = await open();
    const texts: string[] = [];
    socket.on("message", (data: Buffer, isBinary) => void (isBinary || texts.push(data.toString())));
    for (const line of [
      "Certificate invalid: expired",
      "Certificate invalid: expired",
      "error: Certificate invalid: expired, says the guest",
      "Certificate invalid: not yet valid",
      "Certificate does not contain an authorized principal",
      "Invalid user bob from UNKNOWN port 65535",
      "User daemon from UNKNOWN not allowed because not listed in AllowUsers",
    ]) {
      const echoed = received(socket, 4 + line.length);
      socket.send(Buffer.from(`log ${line}`));
      await echoed;
    }
    const reasons = ["expired", "not_yet_valid", "not_for_this"].map((why) => `certificate_${why}`);
    assert.deepEqual(
      texts,
      [...reasons, "unknown_user"].map((why) => JSON.stringify({ login_refused: why })),
    );
    socket.terminate();
    await untilNoneRuns();
  });

  it("logs what the server says as no more than letters", async () => {
    const socket = await open();
    socket.send(Buffer.from("quit"));
    await closed(socket);
    const said = lines.filter(({ message }) => message === "sshd").map(({ fields }) => fields["said"]);
    assert.deepEqual(said, ["Connection from UNKNOWN", "?bell"]);
  });
});
