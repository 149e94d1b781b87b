import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { defaultEnginePort } from "../../src/domain/engine-state.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { hostState, instanceIdOf } from "./support/host-state.js";
import { Workbench } from "./support/tenki.js";

describe("the engine", () => {
  let bench: Workbench;
  before(async () => void (bench = await Workbench.open()));
  after(() => bench.close());

  it("starts in the background, says where it is, and makes itself the context", async () => {
    const started = await bench.startEngine();
    assert.match(started.endpoint, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.match(started.token, /^tk_/);
    assert.equal(started.data_dir, bench.dataDir);
    assert.equal(existsSync(`/proc/${started.pid}`), true);
    const config = readFileSync(join(bench.home, ".config/tenki/config.yaml"), "utf8");
    assert.match(config, new RegExp(`^auth_token: "?${started.token}"?$`, "m"));
    assert.match(config, /^api_endpoint: .+$/m);
    const status = await bench.json<Record<string, unknown>>(["status"]);
    assert.match(String(status["status"]), /^Logged in/);
  });

  it("started twice, says that the first runs, and where", async () => {
    const { code, stderr } = await bench.call(["engine", "start"]);
    const { endpoint, pid } = await bench.json<{ endpoint: string; pid: number }>(["engine", "status"]);
    assert.equal(code, 1);
    assert.ok(stderr.includes(endpoint) && stderr.includes(String(pid)), stderr);
  });

  it("stops without ending its sessions, finds them again, and says how many", async () => {
    await bench.ok(["sandbox", "create", "--name", "kept"]);
    await bench.ok([
      "sandbox",
      "exec",
      "-q",
      "-c",
      "nohup sh -c 'while :; do date +%s%N > tick; sleep 0.1; done' >/dev/null 2>&1 </dev/null &",
    ]);
    const stopped = await bench.call(["engine", "stop"]);
    assert.equal(stopped.code, 0);
    assert.match(stopped.stdout + stopped.stderr, /1 session/);
    await bench.startEngine();
    assert.match(await bench.ok(["sandbox", "get", "kept"]), /^state\s*: RUNNING$/m);
    const first = await bench.ok(["sandbox", "read", "--path", "tick"]);
    const moved = await waitUntil(
      async () => ((await bench.ok(["sandbox", "read", "--path", "tick"])) === first ? undefined : true),
      { timeoutMs: 10_000 },
    );
    assert.ok(moved, "the process inside did not go on");
  });

  it("is found again with its sessions after kill -9", async () => {
    const { pid } = await bench.json<{ pid: number }>(["engine", "status"]);
    process.kill(pid, "SIGKILL");
    await waitUntil(() => (existsSync(`/proc/${pid}`) ? undefined : true), { timeoutMs: 5_000 });
    await bench.startEngine();
    assert.equal(await bench.ok(["sandbox", "exec", "-q", "-c", "hostname"]), "kept\n");
  });

  it("starts on demand for the endpoint `local`", async () => {
    await bench.ok(["engine", "stop"]);
    const list = await bench.json<{ name: string }[]>(["sandbox", "list", "--endpoint", "local"]);
    assert.deepEqual(
      list.map(({ name }) => name),
      ["kept"],
    );
  });

  it("starts on demand where another program has the usual port", async () => {
    await bench.ok(["engine", "stop"]);
    const other = createServer();
    other.listen(defaultEnginePort, "127.0.0.1");
    await once(other, "listening").catch(() => "somebody has it already");
    await bench.ok(["sandbox", "list", "--endpoint", "local"]).finally(() => other.close());
  });

  it("is started once for two who need it at the same time", async () => {
    await bench.ok(["engine", "stop"]);
    const list = () => bench.call(["sandbox", "list", "--endpoint", "local"]);
    const outcomes = await Promise.all([list(), list()]);
    for (const { code, stdout, stderr } of outcomes) assert.equal(code, 0, stdout + stderr);
  });

  it("started by two at once, starts once, and tells the other where", async () => {
    await bench.ok(["engine", "stop"]);
    const start = () => bench.call(["engine", "start", "--listen", "127.0.0.1:0"]);
    const outcomes = await Promise.all([start(), start()]);
    assert.deepEqual(
      outcomes.map(({ code }) => code).toSorted((a, b) => a - b),
      [0, 1],
    );
    const { endpoint } = await bench.json<{ endpoint: string }>(["engine", "status"]);
    assert.ok(outcomes.some(({ code, stderr }) => code === 1 && stderr.includes(endpoint)));
  });

  it("keeps tokens and secrets out of its log, and its files to itself", async () => {
    const token = (await bench.ok(["engine", "token"])).trim();
    await bench.ok(["sandbox", "create", "--name", "quiet", "--env", "SECRET=hunter2hunter2"]);
    await bench.ok(["sandbox", "exec", "-q", "--env", "OTHER=swordfish99", "--", "true"]);
    await bench.call(["whoami"], { env: { TENKI_AUTH_TOKEN: "tk_wrongwrongwrong" } });
    const logs = readdirSync(bench.dataDir).filter((name) => name.includes("log"));
    assert.notEqual(logs.length, 0);
    const text = logs.map((name) => readFileSync(join(bench.dataDir, name), "utf8")).join("");
    assert.match(text, /CreateSession/);
    for (const secret of [token, token.slice(3), "hunter2hunter2", "swordfish99", "tk_wrongwrongwrong"]) {
      assert.equal(text.includes(secret), false, "a secret is in the log");
    }
    assert.equal(statSync(bench.dataDir).mode & 0o077, 0);
  });

  it("lives beside another on the same machine", async () => {
    const other = await Workbench.open();
    try {
      await other.startEngine();
      await other.ok(["sandbox", "create", "--name", "theirs"]);
      assert.deepEqual((await other.json<unknown[]>(["sandbox", "list"])).length, 1);
      assert.equal(
        await bench.ok(["sandbox", "exec", "--session", "kept", "-q", "-c", "hostname"]),
        "kept\n",
      );
    } finally {
      await other.close();
    }
    assert.equal(await bench.ok(["sandbox", "exec", "--session", "kept", "-q", "-c", "hostname"]), "kept\n");
  });

  it("leaves nothing on the host once everything is terminated", async () => {
    const id = instanceIdOf(bench.dataDir);
    assert.notEqual(
      (await hostState(bench.dataDir, id)).length,
      0,
      "a running engine leaves traces to look for",
    );
    await bench.ok(["sandbox", "terminate", "--all", "--yes"]);
    await bench.ok(["engine", "stop", "--terminate-sessions"]);
    assert.deepEqual(await hostState(bench.dataDir, id), []);
  });
});

describe("an engine that cannot start", () => {
  let bench: Workbench;
  before(async () => void (bench = await Workbench.open()));
  after(() => bench.close());
  const start = (...flags: string[]) => bench.call(["engine", "start", "--no-context", ...flags]);

  it("names a port that is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as AddressInfo;
    const { code, stderr } = await start("--listen", `127.0.0.1:${port}`);
    taken.close();
    assert.equal(code, 1);
    assert.ok(stderr.includes(String(port)), stderr);
    assert.match(stderr, /^hint: .*--listen 127\.0\.0\.1:0/m);
  });

  it("refuses an address that others can reach without TLS", async () => {
    const { code, stderr } = await start("--listen", "0.0.0.0:0");
    assert.notEqual(code, 0);
    assert.match(stderr, /--tls-cert/);
  });

  it("names a data directory that cannot be written", async () => {
    const file = join(bench.home, "a-file");
    await writeFile(file, "");
    const { code, stderr } = await start("--data-dir", join(file, "data"), "--listen", "127.0.0.1:0");
    assert.equal(code, 1);
    assert.ok(stderr.includes(file), stderr);
  });

  it("refuses a data directory that others can look into", async () => {
    const open = join(bench.home, "open");
    await mkdir(open);
    await chmod(open, 0o777);
    const { code, stderr } = await start("--data-dir", open, "--listen", "127.0.0.1:0");
    assert.equal(code, 1);
    assert.match(stderr, /chmod 700/);
  });

  it("takes the paths of files from where it is called", async () => {
    const cwd = await bench.directory("here");
    const dataDir = join(bench.home, "with-files");
    await writeFile(join(cwd, "token"), `tk_${"x".repeat(40)}\n`);
    const flags = ["--data-dir", dataDir, "--listen", "127.0.0.1:0", "--token-file", "token"];
    await bench.ok(["engine", "start", "--no-context", ...flags], { cwd });
    assert.match(await bench.ok(["engine", "token", "--data-dir", dataDir]), /^tk_x{40}$/m);
    await bench.ok(["engine", "stop", "--data-dir", dataDir]);
  });

  it("names a runtime that is not there", async () => {
    const { code, stderr } = await start("--oci-runtime", "no-such-runtime", "--listen", "127.0.0.1:0");
    assert.equal(code, 1);
    assert.match(stderr, /no-such-runtime/);
  });
});
