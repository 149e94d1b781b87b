import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { ended, type EngineStarted, Workbench } from "./support/tenki.js";

const lines = 12_000_000;
const numbers = ["--", "seq", `${lines}`];
const expected = hash(execFileSync("seq", [`${lines}`], { maxBuffer: 1 << 29 }));

function hash(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The pids of processes that pass bursts on, started by `parent`. */
function relays(parent: number | undefined, kind: "guest" | "lane"): number[] {
  try {
    const found = execFileSync("pgrep", ["-P", `${parent}`, "-f", `tenki-guest pass ${kind}$`], {
      encoding: "utf8",
    });
    return found.trim().split("\n").map(Number);
  } catch {
    return [];
  }
}

/** Who passes output on at both ends; undefined where somebody does not. */
function relayed(
  engine: EngineStarted,
  client: ChildProcess,
): { engine: number; client: number } | undefined {
  const [here] = relays(client.pid, "lane");
  const [there] = relays(engine.pid, "guest");
  return here === undefined || there === undefined ? undefined : { engine: there, client: here };
}

/** Throws where the output ends first. */
async function readSome(stream: Readable, bytes: number): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  let read = 0;
  while (read < bytes) {
    const chunk = stream.read() as Buffer | null;
    if (chunk === null) {
      assert.ok(!stream.readableEnded, "nobody passed the burst on");
      await new Promise<void>((resolve) => {
        const settle = () => {
          stream.off("readable", settle).off("end", settle);
          resolve();
        };
        stream.once("readable", settle).once("end", settle);
      });
      continue;
    }
    chunks.push(chunk);
    read += chunk.length;
  }
  return chunks;
}

describe("a burst of output", () => {
  let bench: Workbench;
  let engine: EngineStarted;
  const start = (...args: string[]) => bench.spawn(["sandbox", "exec", "-q", ...args]);
  before(async () => {
    bench = await Workbench.open();
    engine = await bench.startEngine();
    await bench.ok(["sandbox", "create", "--name", "bursts"]);
    await bench.ok(["sandbox", "exec", "--", "true"]); // the next one takes the lane
  });
  after(() => bench.close());

  /** A command in the middle of a burst, whose reader has stalled. */
  async function stalled(
    ...args: string[]
  ): Promise<{ child: ChildProcess; read: Buffer[]; pids: { engine: number; client: number } }> {
    const child = start(...args);
    const stdout = child.stdout as Readable;
    const read: Buffer[] = [];
    for (;;) {
      read.push(...(await readSome(stdout, 4 << 20)));
      const pids = relayed(engine, child);
      if (pids !== undefined) return { child, read, pids };
    }
  }

  const rest = async (child: ChildProcess, read: Buffer[]) => {
    for await (const chunk of child.stdout as Readable) read.push(chunk as Buffer);
    return hash(Buffer.concat(read));
  };

  it("goes past both ends, and nothing is missing", async () => {
    const { child, read } = await stalled(...numbers);
    assert.equal(await rest(child, read), expected);
    assert.equal(await ended(child), 0);
    assert.deepEqual([relays(engine.pid, "guest"), relays(child.pid, "lane")], [[], []]);
  });

  it("keeps the streams apart, and the exit code", async () => {
    const script = `seq ${lines} & seq ${lines} >&2; wait; echo end; exit 7`;
    const child = start("-c", script);
    const both = await Promise.all(
      [child.stdout, child.stderr].map(async (stream) => {
        const chunks: Buffer[] = [];
        for await (const chunk of stream as Readable) chunks.push(chunk as Buffer);
        return Buffer.concat(chunks);
      }),
    );
    assert.equal(hash(both[0]?.subarray(0, -4) ?? Buffer.alloc(0)), expected);
    assert.equal(both[0]?.subarray(-4).toString(), "end\n");
    assert.equal(hash(both[1] ?? Buffer.alloc(0)), expected);
    assert.equal(await ended(child), 7);
  });

  for (const [what, flags] of [
    ["written", "w"],
    ["appended", "a"],
  ] as const) {
    it(`is ${what} to a file`, async () => {
      const path = join(bench.home, `numbers-${flags}`);
      const file = await open(path, flags);
      await file.write("before\n");
      const child = spawn(resolve("bin/tenki"), ["sandbox", "exec", "-q", ...numbers], {
        ...{ env: bench.env, stdio: ["ignore", file.fd, "inherit"] },
      });
      assert.equal(await ended(child), 0);
      await file.close();
      const content = await readFile(path);
      assert.equal(content.subarray(0, 7).toString(), "before\n");
      assert.equal(hash(content.subarray(7)), expected);
    });
  }

  it("has every byte once when the engine is killed in the middle of it", async () => {
    const { child, read } = await stalled(...numbers);
    process.kill(engine.pid, "SIGKILL");
    engine = await bench.startEngine("--listen", new URL(engine.endpoint).host);
    assert.equal(await rest(child, read), expected);
    assert.equal(await ended(child), 0);
  });

  it("has every byte once when who passes it on for the engine is killed", async () => {
    const { child, read, pids } = await stalled(...numbers);
    process.kill(pids.engine, "SIGKILL");
    assert.equal(await rest(child, read), expected);
    assert.equal(await ended(child), 0);
  });

  it("is no success when who passes it on here is killed", async () => {
    const { child, read, pids } = await stalled(...numbers);
    process.kill(pids.client, "SIGKILL");
    await rest(child, read);
    assert.notEqual(await ended(child), 0);
  });

  it("ends quietly with its reader, and the command with it", async () => {
    const { child } = await stalled("--", "sh", "-c", "exec seq 424242000000");
    child.stdout?.destroy();
    const said: Buffer[] = [];
    child.stderr?.on("data", (chunk: Buffer) => said.push(chunk));
    await ended(child);
    assert.equal(Buffer.concat(said).toString(), "");
    const gone =
      "for i in $(seq 100); do pgrep -fx 'seq 424242000000' >/dev/null || exit 0; sleep 0.1; done; exit 1";
    await bench.ok(["sandbox", "exec", "-q", "-c", gone]);
    assert.deepEqual(relays(engine.pid, "guest"), []);
  });

  it("is interrupted by Ctrl-C though its reader has stalled", async () => {
    const { child } = await stalled("--", "sh", "-c", "trap 'kill $!; exit 9' INT; seq 424242000001 & wait");
    child.kill("SIGINT");
    child.stdout?.resume();
    assert.equal(await ended(child), 9);
  });
});
