import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { SshPlace } from "./support/ssh-place.js";
import { ended, type EngineStarted, Workbench } from "./support/tenki.js";

const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

/** All that processes have read so far. */
async function bytesRead(pids: readonly string[]): Promise<number> {
  const accounts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/io`, "utf8")));
  return accounts.reduce((sum, account) => sum + Number(/^rchar: (\d+)$/m.exec(account)?.[1]), 0);
}

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
    place = new SshPlace(bench);
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
});
