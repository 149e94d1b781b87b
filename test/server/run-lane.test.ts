import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import {
  Client,
  type CredentialKeeper,
  type KeptCredential,
  PermissionDeniedError,
} from "../../src/client/index.js";
import { executionHeader, laneProtocol, runLanePath } from "../../src/domain/run-lane.js";
import type { SandboxSessionDataPlaneServiceRunRequest as RunMessage } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import {
  exited as exitedFrame,
  scriptedService,
  started as startedFrame,
} from "../client/scripted-service.js";
import { openServer, sessionA, sessionB, token } from "./test-server.js";

type Run = (requests: AsyncIterable<RunMessage>, context: HandlerContext) => AsyncGenerator<object>;

/** Keeps in memory what the command line keeps in files. */
class Keeper implements CredentialKeeper {
  kept: KeptCredential;

  constructor(endpoint: string, changes: Partial<KeptCredential> = {}) {
    const credential = { credential: `cert:${sessionA}`, receivedAt: Date.now() };
    this.kept = { endpoint, ...credential, expiresAt: Date.now() + 60_000, hasLane: true, ...changes };
  }

  load(): KeptCredential {
    return this.kept;
  }

  keep(_session: string, credential: KeptCredential): void {
    this.kept = credential;
  }
}

const started = { frame: { payload: { case: "started", value: { pid: 41n, stdinWindowBytes: 1_024 } } } };
const exited = {
  frame: { payload: { case: "exit", value: { exitCode: 7, reason: "exit", durationMs: 5n } } },
};
const output = (kind: "stdout" | "stderr", text: string) => ({
  frame: { payload: { case: kind, value: Buffer.from(text) } },
});
const soon = { timeoutMs: 5_000 };

describe("the lane for commands", () => {
  let server: Awaited<ReturnType<typeof openServer>>;
  let run: Run;
  const protocols: string[] = [];
  const clients: Client[] = [];
  before(async () => {
    server = await openServer({
      dataPlane: {
        run(requests, context) {
          protocols.push(context.protocolName);
          return run(requests, context);
        },
      },
    });
  });
  beforeEach(() => protocols.splice(0));
  after(async () => {
    for (const client of clients) client.close();
    await server.stop();
  });

  const session = (keeper: Keeper, id = sessionA) => {
    const client = new Client({ authToken: token, baseUrl: server.url, env: {}, credentials: keeper });
    clients.push(client);
    return client.session(id);
  };

  it("carries both outputs byte for byte, and the exit after them", async () => {
    const blob = Buffer.from(Uint8Array.from({ length: 256 }, (_, at) => at)).toString("latin1");
    run = async function* (requests) {
      await requests[Symbol.asyncIterator]().next();
      yield started;
      yield output("stdout", "out");
      yield output("stderr", "err");
      yield output("stdout", blob);
      yield exited;
    };
    const command = await session(new Keeper(server.url)).start(["sh"]);
    assert.equal(command.pid, 41);
    const seen: [string, string][] = [];
    for await (const { kind, data } of command.output) seen.push([kind, Buffer.from(data).toString()]);
    assert.deepEqual(seen, [
      ["stdout", "out"],
      ["stderr", "err"],
      ["stdout", blob],
    ]);
    assert.deepEqual(await command.exit, {
      ...{ exitCode: 7, signal: undefined, timedOut: false, durationMs: 5, reason: "exit", errno: undefined },
    });
    assert.deepEqual(protocols, [laneProtocol]);
  });

  it("carries what was asked for, stdin and signals", async () => {
    const seen: unknown[] = [];
    run = async function* (requests) {
      for await (const { frame } of requests) {
        const payload = frame?.payload;
        if (payload?.case === "start") {
          const { cmd, env, cwd, timeoutMs, privileged, streamStdin } = payload.value;
          seen.push({ cmd, env, cwd, timeoutMs, privileged, streamStdin });
          yield started;
        } else if (payload?.case === "stdin") seen.push(Buffer.from(payload.value).toString());
        else seen.push(payload?.case === "signal" ? payload.value.signal : payload?.case);
        if (payload?.case === "stdinClose") break;
      }
      yield exited;
    };
    const command = await session(new Keeper(server.url)).start(["cat", "-"], {
      ...{ env: { A: "b\n" }, cwd: "d", timeoutMs: 9, privileged: true, stdin: true },
    });
    await command.writeStdin(Buffer.from("typed"));
    await command.signal("USR1");
    await command.closeStdin();
    for await (const _ of command.output);
    await command.exit;
    assert.deepEqual(seen, [
      { cmd: ["cat", "-"], env: { A: "b\n" }, cwd: "d", timeoutMs: 9, privileged: true, streamStdin: true },
      "typed",
      5,
      "stdinClose",
    ]);
  });

  it("is held to the same credential and the same rules", async () => {
    run = async function* (requests) {
      await requests[Symbol.asyncIterator]().next();
      yield started;
    };
    await assert.rejects(session(new Keeper(server.url), sessionB).start(["true"]), PermissionDeniedError);
    await assert.rejects(session(new Keeper(server.url), "no-uuid").start(["true"]), {
      kind: "invalid_argument",
    });
  });

  it("tells a service's refusal as what it is", async () => {
    run = () => {
      throw new ConnectError("session is not running (state=PAUSED)", Code.FailedPrecondition);
    };
    await assert.rejects(session(new Keeper(server.url)).start(["true"]), {
      kind: "failed_precondition",
      message: "session is not running (state=PAUSED)",
    });
  });

  it("says under which id a command is kept", async () => {
    let asked: string | null = null;
    run = async function* (requests, { requestHeader, responseHeader }) {
      asked = requestHeader.get(executionHeader);
      if (asked !== null) responseHeader.set(executionHeader, asked);
      await requests[Symbol.asyncIterator]().next();
      yield started;
      yield exited;
    };
    const command = await session(new Keeper(server.url)).start(["true"], { resumable: true });
    for await (const _ of command.output);
    assert.equal((await command.exit).exitCode, 7);
    assert.match(asked ?? "", /^[0-9a-f-]{36}$/);
  });

  it("tells a caller who lets go from one who is lost", async () => {
    const reasons: unknown[] = [];
    run = async function* (requests, { signal }) {
      signal.addEventListener("abort", () => reasons.push((signal.reason as ConnectError).code));
      for await (const { frame } of requests) if (frame?.payload.case === "start") yield started;
    };
    (await session(new Keeper(server.url)).start(["sleep"])).close();
    await waitUntil(() => reasons.length === 1 || undefined, soon);
    (await rawStart(server.url)).destroy();
    await waitUntil(() => reasons.length === 2 || undefined, soon);
    assert.deepEqual(reasons, [Code.Canceled, Code.Unavailable]);
  });

  it("is learnt of from the first command, and taken by the next", async () => {
    run = async function* (requests) {
      await requests[Symbol.asyncIterator]().next();
      yield started;
      yield exited;
    };
    const keeper = new Keeper(server.url, { hasLane: undefined });
    for (let time = 0; time < 2; time++) {
      const command = await session(keeper).start(["true"]);
      for await (const _ of command.output);
      await command.exit;
    }
    assert.deepEqual(protocols, ["grpc", laneProtocol]);
  });

  it("is done without where the service has none any more", async () => {
    const calls: string[] = [];
    await using service = await scriptedService({
      dataPlane: {
        run: async function* () {
          calls.push("run");
          yield startedFrame();
          yield exitedFrame();
        },
      },
    });
    const client = service.client({ credentials: new Keeper(service.endpoint) });
    const command = await client.session(sessionA).start(["true"]);
    for await (const _ of command.output);
    assert.equal((await command.exit).exitCode, 0);
    assert.deepEqual(calls, ["run"]);
  });
});

/** A command begun by hand, to be cut off by hand. */
function rawStart(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  const message = Buffer.from(JSON.stringify({ start: { sessionId: sessionA, cmd: ["sleep"] } }));
  const head = Buffer.from([0, 0, 0, 0, message.length]);
  socket.write(
    `GET ${runLanePath} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: ${laneProtocol}\r\n` +
      `x-tenki-session-cert: cert:${sessionA}\r\n\r\n`,
  );
  socket.write(Buffer.concat([head, message]));
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    let seen = "";
    socket.on("data", (data) => {
      seen += data.toString();
      if (seen.includes("started")) resolve(socket);
    });
  });
}
