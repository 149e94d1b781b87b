import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { laneFrames } from "../../src/domain/run-lane.js";
import { residentKb } from "./support/memory.js";
import { SshPlace } from "./support/ssh-place.js";
import { ended, type EngineStarted, launcher, Workbench } from "./support/tenki.js";

const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

/** All that processes have read so far. */
async function bytesRead(pids: readonly string[]): Promise<number> {
  const accounts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/io`, "utf8")));
  return accounts.reduce((sum, account) => sum + Number(/^rchar: (\d+)$/m.exec(account)?.[1]), 0);
}

const residentMb = (pid: number | string): number => residentKb(pid) / 1024;

describe("ssh by the engine's own socket", () => {
  let bench: Workbench;
  let engine: EngineStarted;
  let place: SshPlace;
  let wayFile: string;
  before(async () => {
    bench = await Workbench.open();
    engine = await bench.startEngine();
    await bench.ok(["login", "--endpoint", "local"]);
    const { id } = await bench.json<{ id: string }>(["sandbox", "create", "--name", "demo"]);
    await bench.ok(["sandbox", "ssh", "config", "install"]);
    place = new SshPlace(bench, "by_tenki");
    await place.ok("sbx-demo", "true");
    wayFile = join(bench.home, ".config", "tenki", "ssh-certs", id, "gateway");
  });
  after(async () => {
    place.close();
    await bench.close();
  });

  it("leads there where the gateway does not, and the gateway where the socket does not", async () => {
    const [gateway, socket] = (await readFile(wayFile, "utf8")).split("\n");
    assert.match(socket ?? "", /\/engine-[0-9a-f]{16}\.sock$/);
    await writeFile(wayFile, `ws://127.0.0.1:1\n${socket}\n`);
    assert.equal(await place.ok("sbx-demo", "echo by the socket"), "by the socket\n");
    await writeFile(wayFile, `${gateway}\n${bench.home}/engine-0123456789abcdef.sock\n`);
    assert.equal(await place.ok("sbx-demo", "echo by the gateway"), "by the gateway\n");
    await writeFile(wayFile, `${gateway}\n${socket}\n`);
  });

  async function connected(host: string, line: string) {
    const connection = place.connect(host, line);
    await connection.hears("there\n");
    return connection;
  }

  it("leads through the gateway where no socket to the server comes by it", async () => {
    const [gateway, socket] = (await readFile(wayFile, "utf8")).split("\n");
    const path = join(bench.home, "engine-fedcba9876543210.sock");
    const head = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    const end = Buffer.from('{"code":1011,"reason":"no socket for the connection can be had"}');
    const frame = Buffer.concat([Buffer.from([laneFrames.end, 0, 0, 0, end.length]), end]);
    for (const answers of [[head], [head, frame], [head, Buffer.concat([frame, frame])]] as const) {
      const server = createServer((caller) => {
        caller.on("error", () => undefined); // it leaves as it likes
        caller.once("data", () => {
          caller.write(answers[0]);
          // What speaks for ssh says that it is there, and is told something else.
          caller.once("data", () => caller.end(answers[1] ?? ""));
        });
      });
      await once(server.listen(path), "listening");
      await chmod(path, 0o600);
      await writeFile(wayFile, `${gateway}\n${path}\n`);
      assert.equal(await place.ok("sbx-demo", "echo all the same"), "all the same\n");
      await new Promise((resolve) => server.close(resolve));
      await rm(path, { force: true });
    }
    await writeFile(wayFile, `${gateway}\n${socket}\n`);
  });

  it("carries much, either way, and nothing is lost or comes twice", async () => {
    const bytes = randomBytes(64 << 20);
    await writeFile(join(bench.home, "much"), bytes);
    for (const [from, to] of [
      ["much", "sbx-demo:much"],
      ["sbx-demo:much", "back"],
    ] as const) {
      const { code, stderr } = await place.run("scp", ["-q", "-F", place.config, from, to]);
      assert.equal(code, 0, stderr);
    }
    assert.equal(digest(await readFile(join(bench.home, "back"))), digest(bytes));
  });

  it("loads nothing that it does not need, which every login would wait for", async () => {
    const [hook, loaded] = [join(bench.home, "hook.cjs"), join(bench.home, "loaded")];
    const write = `require("node:fs").writeFileSync(${JSON.stringify(loaded)}, process.moduleLoadList.join("\\n"))`;
    await writeFile(hook, `process.on("exit", () => ${write});`);
    const env = { NODE_OPTIONS: `--require=${hook}` };
    await bench.ok(["sandbox", "exec", "-q", "--", "true"]); // what it asks the service once, it knows from here on
    for (const [program, ...args] of [
      ["ssh", "-F", place.config, "sbx-demo", "true"],
      [launcher, "sandbox", "exec", "-q", "--", "true"],
    ] as const) {
      const { code, stderr } = await place.run(program, args, { env });
      assert.equal(code, 0, stderr);
      const modules = (await place.until("a list", () => readFile(loaded, "utf8"))).split("\n");
      await rm(loaded);
      assert.ok(modules.includes("NativeModule net"));
      const heavy = ["http", "https", "http2", "tls", "zlib", "dns", "readline"];
      assert.deepEqual(
        heavy.filter((name) => modules.includes(`NativeModule ${name}`)),
        [],
        program,
      );
    }
  });

  it("goes past the command line and the engine", async () => {
    const child = place.start("ssh", ["-F", place.config, "sbx-demo", "cat | sha256sum"]);
    const output: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => output.push(chunk));
    const say = (data: Buffer) => new Promise<void>((resolve) => child.stdin?.write(data, () => resolve()));
    const piece = randomBytes(1 << 20);
    const whole = createHash("sha256").update(piece);
    await say(piece); // the connection is there
    const proxy = execFileSync("pgrep", ["-P", `${child.pid}`], { encoding: "utf8" }).trim();
    const passers = [`${engine.pid}`, proxy];
    const before = await bytesRead(passers);
    for (let sent = 0; sent < 64; sent += 1) {
      whole.update(piece);
      await say(piece);
    }
    assert.ok((await bytesRead(passers)) - before < 8 << 20);
    child.stdin?.end();
    assert.equal(await ended(child), 0);
    assert.equal(Buffer.concat(output).toString(), `${whole.digest("hex")}  -\n`);
  });

  it("waits for a server that does not read, and memory stays flat", async () => {
    const child = place.start("ssh", ["-F", place.config, "sbx-demo", "sleep 2; wc -c"]);
    const output: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => output.push(chunk));
    const piece = Buffer.alloc(1 << 20);
    for (let sent = 0; sent < 64; sent += 1)
      await new Promise<void>((resolve) => child.stdin?.write(piece, () => resolve()));
    child.stdin?.end();
    assert.equal(await ended(child), 0);
    assert.equal(Buffer.concat(output).toString(), `${64 << 20}\n`);
  });

  it("tells why a login is refused", async () => {
    const { code, stderr } = await place.ssh("nobody-of-that-name@sbx-demo", "true");
    assert.equal(code, 255);
    assert.match(stderr, /^error: the session has no such login name$/m);
  });

  it("is gone with ssh, and the command's input with it", async () => {
    const child = place.start("ssh", ["-F", place.config, "sbx-demo", "echo here; exec sed -u s/515151/x/"]);
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    child.kill("SIGKILL");
    const gone =
      "for i in $(seq 200); do pgrep -fx 'sed -u s/515151/x/' >/dev/null || exit 0; sleep 0.1; done; exit 1";
    assert.equal((await bench.call(["sandbox", "exec", "-q", "-c", gone])).code, 0);
  });

  it("is noticed to be gone also where the server takes no notice of that", async () => {
    const { child } = await connected("sbx-demo", "cat");
    const servers = "pgrep -f '[s]shd(-session)?: '";
    await bench.ok(["sandbox", "exec", "-q", "-u", "root", "-c", `kill -STOP $(${servers})`]);
    child.kill("SIGKILL");
    const ends = async () => (await bench.ok(["engine", "logs"])).match(/"?ssh connection"?/g)?.length ?? 0;
    const before = await ends();
    await place.until("the end of a connection", async () => (await ends()) > before || undefined);
    await bench.ok(["sandbox", "exec", "-q", "-u", "root", "-c", `kill -KILL $(${servers})`]);
  });

  it("stands still in a pause, and goes on", async () => {
    const { child, hears, over } = await connected("sbx-demo", "cat");
    child.stdin?.write("before\n");
    await hears("before\n");
    await bench.ok(["sandbox", "pause", "demo"]);
    child.stdin?.write("meanwhile\n");
    await bench.ok(["sandbox", "resume", "demo"]);
    await hears("meanwhile\n");
    child.stdin?.end();
    assert.equal(await over, 0);
  });

  it("ends with the session, and says so", async () => {
    await bench.ok(["sandbox", "create", "--name", "short", "--memory-mb", "256"]);
    const { over, said } = await connected("sbx-short", "cat");
    await bench.ok(["sandbox", "terminate", "short", "--yes"]);
    assert.equal(await over, 255);
    assert.match(said.stderr, /^error: the SSH connection ended: session is terminated/m);
    await bench.ok(["sandbox", "set", "demo"]);
  });

  it("holds many connections in little memory, whatever goes by them", async () => {
    const count = 30; // a hundred are held in ssh-knock.test.ts and by the WebSocket in ssh-engine.test.ts
    const before = residentMb(engine.pid);
    const all = [];
    for (let round = 0; round < count / 10; round += 1)
      all.push(...(await Promise.all(Array.from({ length: 10 }, () => connected("sbx-demo", "cat")))));
    assert.ok(residentMb(engine.pid) - before < 30, `${residentMb(engine.pid) - before} MB for them`);
    const proxies = all.flatMap(({ child }) =>
      execFileSync("pgrep", ["-P", `${child.pid}`], { encoding: "utf8" })
        .trim()
        .split("\n"),
    );
    const carriers = proxies.flatMap((pid) =>
      execFileSync("pgrep", ["-P", pid], { encoding: "utf8" }).trim().split("\n"),
    );
    assert.deepEqual([proxies.length, carriers.length], [count, count]);
    const pids = [`${engine.pid}`, ...proxies, ...carriers];
    const held = () => pids.reduce((sum, pid) => sum + residentMb(pid), 0);
    const idle = held();
    const piece = "x".repeat(1 << 20);
    await Promise.all(
      all.map(async ({ child, said }) => {
        child.stdin?.write(`${piece}\n`);
        const all = "there\n".length + piece.length + 1;
        await place.until("all of it", async () => said.stdout.length === all || undefined);
      }),
    );
    assert.ok(held() - idle < 20, `${held() - idle} MB for what went by them`);
    for (const { child } of all) child.stdin?.end();
    assert.ok((await Promise.all(all.map(({ over }) => over))).every((code) => code === 0));
  });

  it("ends with an engine that is killed, at both ends", async () => {
    const { over, said } = await connected("sbx-demo", "exec sed -u s/525252/x/");
    process.kill(engine.pid, "SIGKILL");
    assert.equal(await over, 255);
    assert.match(said.stderr, /^error: the SSH connection ended: /m);
    engine = await bench.startEngine();
    const gone = async () =>
      (await bench.call(["sandbox", "exec", "-q", "--", "pgrep", "-fx", "sed -u s/525252/x/"])).code === 1 ||
      undefined;
    await place.until("the end of the command", gone);
  });
});
