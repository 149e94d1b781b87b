import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Client, type Session } from "../../src/client/index.js";
import { peakMemoryMb } from "./support/memory.js";
import { type EngineStarted, ended, Workbench } from "./support/tenki.js";

describe("artifacts", () => {
  let bench: Workbench;
  let engine: EngineStarted;
  let client: Client;
  let session: Session;
  before(async () => {
    bench = await Workbench.open();
    engine = await bench.startEngine();
    client = new Client({ authToken: engine.token, baseUrl: engine.endpoint });
    session = await client.create({ name: "demo", diskSizeGb: 5 });
  });
  after(async () => {
    client.close();
    await bench.close();
  });

  /** What curl says, and the status. */
  const curl = async (...args: string[]) => {
    const child = spawn("curl", ["-sS", "-w", "\n%{http_code}", ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString("latin1")));
    const code = await ended(child);
    const at = said.lastIndexOf("\n");
    return { code, text: said.slice(0, at), status: Number(said.slice(at + 1)) };
  };
  const inside = async (line: string) =>
    Buffer.from((await session.exec("sh", { args: ["-c", line] })).stdout).toString();

  it("are sent and fetched with curl, byte for byte", async () => {
    const path = join(bench.home, "some.bin");
    writeFileSync(path, randomBytes(3_000_000));
    const { url, artifactId, expiresAt } = await session.artifactUploadUrl("in/some.bin", {
      contentType: "image/png",
    });
    assert.ok(expiresAt !== undefined && expiresAt.getTime() > Date.now() + 14 * 60_000);
    assert.deepEqual(await curl("-T", path, url), {
      code: 0,
      text: "no such file or directory: /home/tenki/in/some.bin\n",
      status: 404,
    });
    await session.mkdir("in");
    assert.deepEqual(await curl("-T", path, url), { code: 0, text: "", status: 200 });
    assert.equal(await inside("stat -c '%U %a %s' in/some.bin"), "tenki 644 3000000\n");
    const link = await session.artifactDownloadUrl(artifactId);
    const copy = join(bench.home, "copy.bin");
    assert.equal((await curl("-o", copy, link.url)).status, 200);
    assert.deepEqual(readFileSync(copy), readFileSync(path));
    const head = await curl("-I", link.url);
    assert.match(head.text, /content-type: image\/png\r\n/i);
    assert.match(head.text, /content-length: 3000000\r\n/i);
    const { url: piped } = await session.artifactUploadUrl("piped");
    const child = spawn("sh", ["-c", 'seq 100000 | curl -sS -f -T - "$0"', piped], { stdio: "inherit" });
    assert.equal(await ended(child), 0);
    assert.equal(await inside("tail -n 1 piped"), "100000\n");
  });

  it("pass in constant memory", async () => {
    const path = join(bench.home, "large");
    writeFileSync(path, "");
    truncateSync(path, 500_000_000);
    const { url, artifactId } = await session.artifactUploadUrl("large");
    const up = spawn("curl", ["-sS", "-f", "-T", path, url], { stdio: "inherit" });
    const upMb = await peakMemoryMb(engine.pid, up);
    const { url: from } = await session.artifactDownloadUrl(artifactId);
    const down = spawn("curl", ["-sS", "-f", "--limit-rate", "600M", "-o", "/dev/null", from], {
      stdio: "inherit",
    });
    const downMb = await peakMemoryMb(engine.pid, down);
    assert.ok(Math.max(upMb, downMb) < 300, `${upMb} MB up, ${downMb} MB down`);
    assert.equal(await inside("stat -c %s large; rm large"), "500000000\n");
  });

  it("say that the disk is full, and leave nothing half written", async () => {
    const path = join(bench.home, "too-large");
    writeFileSync(path, "");
    truncateSync(path, 100_000_000);
    await inside("fallocate -l $(($(stat -f -c '%a * %S' .) - 50000000)) filler");
    const { url } = await session.artifactUploadUrl("too-large");
    const { status, text } = await curl("-T", path, url);
    assert.deepEqual([status, text], [507, "no space left on the sandbox's disk: /home/tenki/too-large\n"]);
    assert.equal(await inside("ls -A | grep -c 'too-large\\|[.]tmp'; rm filler"), "0\n");
  });

  it("lead nowhere outside, whatever the guest plants", async () => {
    await inside("ln -s /etc/passwd planted; ln -s / root");
    for (const path of ["planted", "root/etc/passwd"]) {
      const { url, artifactId } = await session.artifactUploadUrl(path);
      assert.equal((await curl("-T", join(bench.home, "some.bin"), url)).status, 403);
      assert.equal((await curl((await session.artifactDownloadUrl(artifactId)).url)).status, 403);
    }
  });

  it("are found again by the next engine, and gone with their session", async () => {
    const { url, artifactId } = await session.artifactUploadUrl("kept");
    assert.equal((await curl("-T", join(bench.home, "some.bin"), url)).status, 200);
    const { port } = new URL(engine.endpoint);
    process.kill(engine.pid, "SIGKILL");
    engine = await bench.startEngine("--listen", `127.0.0.1:${port}`);
    const link = await session.artifactDownloadUrl(artifactId);
    assert.equal((await curl("-o", "/dev/null", link.url)).status, 200);
    assert.equal((await curl("-T", join(bench.home, "some.bin"), url)).status, 200);
    const log = readFileSync(join(bench.dataDir, "engine.log"), "utf8");
    assert.match(log, /"artifact"/);
    assert.doesNotMatch(log, /signature/);
    await session.close();
    assert.deepEqual(await curl(link.url), {
      code: 0,
      text: `artifact not found: ${artifactId}\n`,
      status: 404,
    });
    await assert.rejects(session.artifactDownloadUrl(artifactId), { name: "SessionExpiredError" });
  });
});
