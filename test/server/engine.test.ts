import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { SessionState } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { readProcessIdentity } from "../../src/lib/process-identity.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { EngineProcess } from "./engine-process.js";

let home: string;
const started: EngineProcess[] = [];
before(() => void (home = realpathSync(mkdtempSync(join(tmpdir(), "tenki-engine-")))));
afterEach(async () => {
  for (const engine of started.splice(0)) await engine.end("SIGKILL");
});
after(() => rmSync(home, { recursive: true, force: true }));

async function start(dataDir: string, flags: object = {}): Promise<EngineProcess> {
  const engine = await EngineProcess.start({ dataDir: join(home, dataDir), ...flags });
  started.push(engine);
  return engine;
}

const wanted = { ownerType: "SERVICE", ownerId: "self", waitReady: true };

describe("an engine", () => {
  it("says that it serves, where, and to whom", async () => {
    const engine = await start("serves");
    assert.equal(engine.line, "ready\n");
    const { endpoint, pidStartTicks, ...state } = engine.state;
    assert.match(endpoint, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(pidStartTicks, readProcessIdentity(engine.pid)?.startTicks);
    const dataDir = join(home, "serves");
    assert.deepEqual(state, { pid: engine.pid, version: "1.2.3", dataDir, isolation: "process" });
    for (const name of ["engine.json", "token", "engine.log", "record.db"]) {
      assert.equal(statSync(join(dataDir, name)).mode & 0o077, 0, name);
    }
    assert.equal((await engine.connect().sandbox.whoAmI({})).workspaces.length, 1);
    await assert.rejects(
      engine.connect({ authorization: "Bearer tk_wrong" }).sandbox.whoAmI({}),
      /unauthenticated/,
    );
  });

  it("without a boundary says so at every start", async () => {
    for (let time = 0; time < 2; time += 1) {
      const engine = await start("no-boundary");
      assert.match(engine.stderr, /^warning: --isolation process is no boundary/m);
      await engine.end("SIGTERM");
    }
  });

  it("stops when it is told to, and leaves its sessions", async () => {
    const first = await start("stops");
    const created = await first.connect().sandbox.createSession(wanted);
    assert.equal(created.session?.state, SessionState.RUNNING);
    assert.equal(await first.end("SIGTERM"), 0);
    assert.equal(existsSync(join(home, "stops", "engine.json")), false);
    const second = await start("stops");
    const { session } = await second.connect().sandbox.getSession({ sessionId: created.session.id });
    assert.equal(session?.state, SessionState.RUNNING);
  });

  it("that was killed is followed by one that finds everything", async () => {
    const first = await start("killed");
    const token = first.token;
    const created = await first.connect().sandbox.createSession({ ...wanted, name: "kept" });
    const credential = created.credential?.credential ?? "";
    const sessionId = created.session?.id ?? "";
    const before = first.connect({ "x-tenki-session-cert": credential }).dataPlane;
    await before.writeFile({ request: { sessionId, path: "f", content: Buffer.from("kept") } });
    await first.end("SIGKILL");
    assert.ok(existsSync(join(home, "killed", "engine.json")), "it had no time to remove it");
    const second = await start("killed");
    assert.equal(second.line, "ready\n");
    assert.equal(second.token, token);
    const { session } = await second.connect().sandbox.getSession({ sessionId });
    assert.deepEqual([session?.state, session?.name], [SessionState.RUNNING, "kept"]);
    // The credential is good for its time, whichever engine answers.
    const after = second.connect({ "x-tenki-session-cert": credential }).dataPlane;
    const { response } = await after.readFile({ request: { sessionId, path: "f" } });
    assert.equal(Buffer.from(response?.content ?? []).toString(), "kept");
  });

  it("is the only one on its data directory", async () => {
    const first = await start("only");
    const second = await start("only");
    assert.equal(await second.end(), 1);
    const failure = JSON.parse(second.line) as { kind: string; message: string; hint: string };
    assert.equal(failure.kind, "already_exists");
    assert.ok(failure.message.includes(first.state.endpoint), failure.message);
    assert.ok(failure.message.includes(`pid ${first.pid}`), failure.message);
    assert.equal((await first.connect().sandbox.whoAmI({})).workspaces.length, 1, "the first is left alone");
    assert.equal(first.state.pid, first.pid);
  });

  it("lives beside others", async () => {
    const [a, b] = [await start("a"), await start("b")];
    await a.connect().sandbox.createSession({ ...wanted, name: "in-a" });
    assert.deepEqual((await b.connect().sandbox.listSessions({})).sessions, []);
    await assert.rejects(
      b.connect({ authorization: `Bearer ${a.token}` }).sandbox.whoAmI({}),
      /unauthenticated/,
    );
  });

  it("keeps tokens, credentials, environments and content out of its log", async () => {
    const engine = await start("quiet");
    const { sandbox } = engine.connect();
    const created = await sandbox.createSession({ ...wanted, env: { SECRET: "hunter2hunter2" } });
    const sessionId = created.session?.id ?? "";
    const credential = created.credential?.credential ?? "";
    const { dataPlane } = engine.connect({ "x-tenki-session-cert": credential });
    await dataPlane.writeFile({ request: { sessionId, path: "f", content: Buffer.from("swordfish99") } });
    await engine
      .connect({ authorization: "Bearer tk_wrongwrongwrong" })
      .sandbox.whoAmI({})
      .catch(() => undefined);
    await engine.end("SIGTERM");
    const dataDir = join(home, "quiet");
    const logs = readdirSync(dataDir).filter((name) => name.includes("log"));
    const text = logs.map((name) => readFileSync(join(dataDir, name), "utf8")).join("");
    assert.match(text, /"method":"SandboxSessionDataPlaneService\/WriteFile","code":"ok"/);
    const secrets = [
      engine.token,
      engine.token.slice(3),
      credential,
      "hunter2hunter2",
      "swordfish99",
      "wrongwrong",
    ];
    for (const secret of secrets) assert.equal(text.includes(secret), false, secret);
  });
});

describe("an engine that cannot start", () => {
  for (const [why, flags, pattern] of [
    ["for an isolation that there is not", { isolation: "magic" }, /no isolation "magic"/],
    ["for an address that is none", { listen: "nowhere" }, /"nowhere" is no address/],
    ["for an address that others can reach", { listen: "0.0.0.0:0" }, /other machines/],
    ["for half a certificate", { tlsCert: "/none" }, /--tls-cert and --tls-key/],
    ["for a token file that is not there", { tokenFile: "/none" }, /cannot read the token/],
  ] as const) {
    it(`${why}, says why, and leaves the way free`, async () => {
      const dataDir = why.replaceAll(" ", "-");
      const engine = await start(dataDir, flags);
      assert.equal(await engine.end(), 1);
      assert.match((JSON.parse(engine.line) as { message: string }).message, pattern);
      assert.match(engine.stderr, pattern);
      assert.equal(existsSync(join(home, dataDir, "engine.json")), false);
      const next = await start(dataDir);
      assert.equal(next.line, "ready\n");
    });
  }

  it("on a directory that is a file", async () => {
    writeFileSync(join(home, "file"), "");
    const engine = await start("file/data");
    assert.equal(await engine.end(), 1);
    assert.match(engine.line, /failed_precondition.*file\/data/);
  });
});

describe("a command in an engine that stops", () => {
  it("is told so, and ended", async () => {
    const engine = await start("stopping");
    const { session, credential } = await engine.connect().sandbox.createSession(wanted);
    const { dataPlane } = engine.connect({ "x-tenki-session-cert": credential?.credential ?? "" });
    let pid = 0;
    async function* requests() {
      const cmd = ["sleep", "1000"];
      yield { frame: { payload: { case: "start" as const, value: { sessionId: session?.id ?? "", cmd } } } };
    }
    const ended = (async () => {
      for await (const { frame } of dataPlane.run(requests())) {
        if (frame?.payload.case === "started") pid = Number(frame.payload.value.pid);
      }
    })();
    ended.catch(() => undefined);
    await waitUntil(() => (pid > 0 ? true : undefined), { timeoutMs: 5_000 });
    assert.ok(readProcessIdentity(pid));
    assert.equal(await engine.end("SIGTERM"), 0);
    await assert.rejects(ended, (error: unknown) => ConnectError.from(error).code === Code.Unavailable);
    const gone = await waitUntil(() => (readProcessIdentity(pid) === undefined ? true : undefined), {
      timeoutMs: 5_000,
    });
    assert.ok(gone, "the command runs on");
  });
});
