import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import type { ChildProcess } from "node:child_process";
import { Readable } from "node:stream";
import { ended, Workbench } from "./support/tenki.js";

const lines = 400;
const counting = `for i in $(seq ${lines}); do echo "out $i"; echo "err $i" >&2; sleep 0.01; done; exit 9`;
const expected = (stream: string) =>
  Array.from({ length: lines }, (_, at) => `${stream} ${at + 1}\n`).join("");

describe("exec while the engine goes away in its middle", () => {
  let bench: Workbench;
  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine();
    await bench.ok(["sandbox", "create", "--name", "back"]);
  });
  after(() => bench.close());

  const restart = () => bench.ok(["engine", "restart"], { timeoutMs: 120_000 });
  const killAndStart = async () => {
    const { pid } = await bench.json<{ pid: number }>(["engine", "status"]);
    process.kill(pid, "SIGKILL");
    await bench.startEngine(); // on another port
  };

  for (const [how, interrupt] of [
    ["is restarted", restart],
    ["is killed, and comes up somewhere else", killAndStart],
  ] as const) {
    it(`loses nothing of a command's output and exit where it ${how}`, async () => {
      const call = bench.spawn(["sandbox", "exec", "-c", counting]);
      const streams = Promise.all([textOf(call.stdout), textOf(call.stderr), ended(call)]);
      await firstOutput(call);
      await interrupt();
      const [stdout, stderr, code] = await streams;
      assert.equal(stdout, expected("out"));
      const said = stderr.replaceAll(/^(?!err).*\n/gm, (line) => {
        assert.match(line, /^(connection lost; coming back…|status: FAILED, exit code 9, .*)$/m);
        return "";
      });
      assert.equal(said, expected("err"));
      assert.match(stderr, /coming back/);
      assert.equal(code, 9);
    });

    it(`loses nothing of what is piped through where it ${how}`, async () => {
      const data = randomBytes(24 << 20);
      let given = 0;
      let interrupted: Promise<unknown> | undefined;
      const source = async function* () {
        for (; given < data.length; given += 1 << 16) {
          yield data.subarray(given, given + (1 << 16));
          if (given === 4 << 20) interrupted = interrupt();
          if (given > 4 << 20 && given < 5 << 20) await new Promise((resolve) => setImmediate(resolve));
          if (given === 20 << 20) await interrupted; // it has not all gone through by then
        }
      };
      const call = bench.spawn(["sandbox", "exec", "-q", "--", "cat"], { input: Readable.from(source()) });
      const digest = createHash("sha256");
      call.stdout?.on("data", (chunk: Buffer) => digest.update(chunk));
      assert.equal(await ended(call), 0);
      await interrupted;
      assert.equal(digest.digest("hex"), createHash("sha256").update(data).digest("hex"));
    });

    it(`gives one whole object with --json where it ${how}`, async () => {
      const call = bench.spawn(["sandbox", "exec", "--json", "-c", `echo ready >&2; ${counting}`]);
      const result = textOf(call.stdout);
      const code = ended(call);
      await running(bench, "sleep 0.01");
      await interrupt();
      assert.equal(await code, 9);
      const { stdout, exit_code } = JSON.parse(await result) as { stdout: string; exit_code: number };
      assert.deepEqual([stdout, exit_code], [expected("out"), 9]);
    });
  }

  it("delivers a signal that came meanwhile, and lets Ctrl-C end the wait", async () => {
    const script = "trap 'echo term; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    const call = bench.spawn(["sandbox", "exec", "-c", script]);
    const stdout = textOf(call.stdout);
    const code = ended(call);
    await firstOutput(call);
    await bench.ok(["engine", "stop"]);
    await says(call, /coming back/);
    call.kill("SIGTERM");
    await bench.startEngine();
    assert.equal(await code, 3);
    assert.equal(await stdout, "ready\nterm\n");

    const left = bench.spawn(["sandbox", "exec", "-c", script]);
    await firstOutput(left);
    await bench.ok(["engine", "stop"]);
    await says(left, /coming back/);
    left.kill("SIGINT");
    const error = textOf(left.stderr);
    assert.equal(await ended(left), 130);
    assert.match(
      await error,
      /interrupted while the connection was lost; whether the command has ended is not known/,
    );
    await bench.startEngine();
  });
});

async function textOf(stream: Readable | null): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

const firstOutput = (call: ChildProcess): Promise<unknown> =>
  new Promise((resolve) => call.stdout?.once("data", resolve));

const says = (call: ChildProcess, pattern: RegExp): Promise<void> =>
  new Promise((resolve) => {
    let seen = "";
    call.stderr?.on("data", (chunk: Buffer) => {
      seen += chunk.toString("utf8");
      if (pattern.test(seen)) resolve();
    });
  });

/** Until such a process is in the session. */
async function running(bench: Workbench, line: string): Promise<void> {
  const script = `until pgrep -fx '${line}' >/dev/null; do sleep 0.01; done`;
  await bench.ok(["sandbox", "exec", "-q", "-c", script]);
}
