import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { runProcess } from "../../src/lib/process.js";
import { launcher, Workbench } from "./support/tenki.js";

describe("exec", () => {
  let bench: Workbench;
  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine();
    await bench.ok(["sandbox", "create", "--name", "demo"]);
  });
  after(() => bench.close());
  const exec = (...args: string[]) => bench.call(["sandbox", "exec", ...args]);

  it("keeps the streams apart and ends with the command's own code", async () => {
    const { code, stdout, stderr } = await exec("--quiet", "-c", "echo out; echo err >&2; exit 7");
    assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: "out\n", stderr: "err\n" });
  });

  it("says status, code and duration on stderr unless it is told to be quiet", async () => {
    const { stdout, stderr } = await exec("--", "true");
    assert.equal(stdout, "");
    assert.match(stderr, /exit code 0/);
  });

  it("runs a program directly, without a shell", async () => {
    const { code, stdout } = await exec("-q", "--", "python3", "-c", "print(1)");
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "1\n" });
    assert.equal((await exec("-q", "--", "echo", "$HOME", "*")).stdout, "$HOME *\n");
  });

  it("passes piped stdin on and ends when the command does", async () => {
    const yes = async function* () {
      for (;;) yield "y\n".repeat(4_096);
    };
    const { Readable } = await import("node:stream");
    const { code, stdout } = await bench.call(["sandbox", "exec", "-q", "--", "head", "-c", "1000000"], {
      input: Readable.from(yes()),
    });
    assert.equal(code, 0);
    assert.equal(stdout.length, 1_000_000);
  });

  it("ends with the command though its stdin is full of what nobody reads", async () => {
    const line = `yes | "${launcher}" sandbox exec -q -- head -c 1000000 | wc -c`;
    for (let round = 0; round < 4; round += 1) {
      const said = await runProcess(["bash", "-c", line], { env: bench.env, timeoutMs: 20_000 });
      assert.equal(said.trim(), "1000000");
    }
  });

  it("ends a command that is over its time, and leaves nothing of it inside", async () => {
    const { code } = await exec("--timeout", "1s", "-c", "setsid sleep 987654 & sleep 987654");
    assert.equal(code, 124);
    assert.equal((await exec("-q", "-c", "pgrep -x sleep")).code, 1);
  });

  it("tells 126 and 127 and signals apart", async () => {
    assert.equal((await exec("-q", "--", "no-such-program")).code, 127);
    assert.equal((await exec("-q", "--", "/etc")).code, 126);
    assert.equal((await exec("-q", "-c", "kill -KILL $$")).code, 128 + 9);
    assert.equal((await exec("-q", "-c", "kill -TERM $$")).code, 128 + 15);
  });

  it("starts where it is told, as whom it is told, with the environment that it is given", async () => {
    const script = 'pwd; whoami; echo "$GREETING"';
    const { stdout } = await exec(
      "-q",
      "--cwd",
      "/tmp",
      "--user",
      "root",
      "--env",
      "GREETING=hello = you",
      "-c",
      script,
    );
    assert.equal(stdout, "/tmp\nroot\nhello = you\n");
    assert.equal((await exec("-q", "-c", "pwd; whoami")).stdout, "/home/tenki\ntenki\n");
    const missing = await exec("-q", "--cwd", "/nowhere", "--", "true");
    assert.equal(missing.code, 125, "a program that was never looked for is not what is missing");
    assert.equal(missing.stderr, "error: cannot run true: directory /nowhere: no such file or directory\n");
  });

  it("shows with -v that its requests went well", async () => {
    const { stderr } = await exec("-q", "-v", "--", "true");
    assert.match(stderr, /\.Run at \S+: ok, /);
    assert.doesNotMatch(stderr, /closed|internal/);
  });

  it("prints one object with --json", async () => {
    const { stdout, code } = await exec("--json", "-c", "echo out; echo err >&2; exit 3");
    const result = JSON.parse(stdout) as Record<string, unknown>;
    assert.equal(code, 3);
    assert.equal(result["exit_code"], 3);
    assert.equal(result["stdout"], "out\n");
    assert.equal(result["stderr"], "err\n");
    assert.equal(typeof result["duration_ms"], "number");
    const binary = JSON.parse((await exec("--json", "-c", "printf '\\377\\376'")).stdout) as Record<
      string,
      unknown
    >;
    assert.equal(binary["encoding"], "base64");
    assert.equal(binary["stdout"], "//4=");
  });

  it("lets a background process live on that has let go of the streams", async () => {
    const { code } = await exec("-q", "-c", "setsid sleep 424242 >/dev/null 2>&1 </dev/null & echo started");
    assert.equal(code, 0);
    assert.equal(
      (await exec("-q", "-c", "pgrep -fx 'sleep 424242' >/dev/null && pkill -fx 'sleep 424242'")).code,
      0,
    );
  });

  it("ends the command when its caller is killed and does not come back", async () => {
    const child = bench.spawn(["sandbox", "exec", "-q", "-c", "echo ready; exec sleep 313131"]);
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    child.kill("SIGKILL");
    const gone = await exec(
      "-q",
      "-c",
      "for i in $(seq 500); do pgrep -fx 'sleep 313131' >/dev/null || exit 0; sleep 0.1; done; exit 1",
    ); // it looks like a lost connection, and has 30 s
    assert.equal(gone.code, 0, "the command outlived its caller");
  });

  it("runs fifty at once", async () => {
    const numbers = Array.from({ length: 50 }, (_, number) => number);
    const outcomes = await Promise.all(
      numbers.map((number) => exec("-q", "-c", `echo ${number}; exit ${number}`)),
    );
    assert.deepEqual(
      outcomes.map(({ code, stdout }) => [code, stdout]),
      numbers.map((number) => [number, `${number}\n`]),
    );
  });
});
