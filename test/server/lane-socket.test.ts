import assert from "node:assert/strict";
import { chmodSync, statSync } from "node:fs";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { Client, type CredentialKeeper, type KeptCredential } from "../../src/client/index.js";
import { laneProtocol } from "../../src/domain/run-lane.js";
import { openServer, sessionA, token } from "./test-server.js";

const nobody = "http://127.0.0.1:1";

describe("the lane's unix socket", () => {
  let directory: string;
  let socketPath: string;
  let server: Awaited<ReturnType<typeof openServer>>;
  const protocols: string[] = [];
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenki-socket-"));
    socketPath = join(directory, "engine-0123456789abcdef.sock");
    await writeFile(socketPath, ""); // what was left there gives way
    const run = async function* (requests: AsyncIterable<unknown>, context: { protocolName: string }) {
      await requests[Symbol.asyncIterator]().next();
      protocols.push(context.protocolName);
      yield { frame: { payload: { case: "started" as const, value: { pid: 41n } } } };
      yield { frame: { payload: { case: "exit" as const, value: { reason: "exit" } } } };
    };
    server = await openServer({ dataPlane: { run } }, { socketPath });
  });
  beforeEach(() => protocols.splice(0));
  after(async () => {
    await server.stop();
    await rm(directory, { recursive: true });
  });

  /** Runs a command with what is kept of the way there; returns what is kept then. */
  async function run(kept: Partial<KeptCredential>): Promise<KeptCredential | undefined> {
    let last: KeptCredential | undefined;
    const dated = { receivedAt: Date.now(), expiresAt: Date.now() + 60_000 };
    const credentials: CredentialKeeper = {
      load: () => ({ endpoint: server.url, credential: `cert:${sessionA}`, ...dated, ...kept }),
      keep: (_session, credential) => (last = credential),
    };
    const client = new Client({ authToken: token, baseUrl: server.url, env: {}, credentials });
    try {
      const command = await client.session(sessionA).start(["true"], { timeoutMs: 5_000 });
      for await (const _ of command.output);
      assert.equal((await command.exit).reason, "exit");
    } finally {
      client.close();
    }
    return last;
  }

  it("is its user's alone, and gone with the server", async () => {
    assert.equal(statSync(socketPath).mode & 0o777, 0o600);
    const other = join(directory, "engine-00000000000000ff.sock");
    const brief = await openServer({}, { socketPath: other });
    assert.ok(statSync(other).isSocket());
    await brief.stop();
    assert.equal(statSync(other, { throwIfNoEntry: false }), undefined);
  });

  it("is learnt of with the lane, and taken where nothing else leads there", async () => {
    const kept = await run({});
    assert.equal(kept?.laneSocket, socketPath);
    await run({ hasLane: true, laneSocket: socketPath, endpoint: nobody });
    assert.deepEqual(protocols, ["grpc", laneProtocol]);
  });

  const local = { hasLane: true, laneSocket: "" };

  it("is left alone where it is not there, or a file", async () => {
    await run({ ...local, laneSocket: join(directory, "engine-1111111111111111.sock") });
    const file = join(directory, "engine-2222222222222222.sock");
    await writeFile(file, "");
    await run({ ...local, laneSocket: file });
    assert.deepEqual(protocols, [laneProtocol, laneProtocol]);
  });

  for (const [what, name, mode] of [
    ["has another name than an engine's", "other.sock", 0o600],
    ["others can connect to", "engine-3333333333333333.sock", 0o666],
  ] as const) {
    it(`is not believed where it ${what}`, async () => {
      const path = join(directory, name);
      let visits = 0;
      const stranger = createServer((socket) => {
        visits += 1;
        socket.destroy();
      }).listen(path);
      await new Promise((resolve) => stranger.once("listening", resolve));
      chmodSync(path, mode);
      await run({ ...local, laneSocket: path });
      stranger.close();
      assert.deepEqual([visits, protocols], [0, [laneProtocol]]);
    });
  }

  it("is not believed of a service on another machine", async () => {
    const moved = join(directory, "engine-4444444444444444.sock");
    await rename(socketPath, moved);
    await assert.rejects(run({ ...local, laneSocket: moved, endpoint: "http://tenki.invalid" }));
    await rename(moved, socketPath);
    assert.deepEqual(protocols, []);
  });

  it("is done without where who listens there is somebody else", async () => {
    const path = join(directory, "engine-5555555555555555.sock");
    const stranger = createServer((socket) => socket.end("HTTP/1.1 404 Not Found\r\n\r\n")).listen(path);
    await new Promise((resolve) => stranger.once("listening", resolve));
    chmodSync(path, 0o600);
    await run({ ...local, laneSocket: path });
    stranger.close();
    assert.deepEqual(protocols, [laneProtocol]);
  });
});
