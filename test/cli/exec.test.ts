import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { waitUntil } from "../../src/lib/wait-until.js";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { type CallOptions, TestWorld } from "./support/test-io.js";

describe("exec", () => {
  let service: MemoryService;
  let world: TestWorld;
  before(async () => {
    service = await MemoryService.start();
    world = await TestWorld.open({ TENKI_API_KEY: goodToken, TENKI_API_ENDPOINT: service.endpoint });
    await world.ok(["sandbox", "create", "--name", "demo", "--env", "FROM_SESSION=yes"]);
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });
  const exec = (args: readonly string[], options?: CallOptions) =>
    world.call(["sandbox", "exec", ...args], options);
  const start = (args: readonly string[], options?: CallOptions) =>
    world.start(["sandbox", "exec", ...args], options);

  it("keeps the streams apart, ends with the command's code, and says how it went", async () => {
    const { code, stdout, stderr } = await exec(["-c", "echo out; echo err >&2; exit 7"]);
    assert.deepEqual({ code, stdout }, { code: 7, stdout: "out\n" });
    assert.match(stderr, /^err\nstatus: FAILED, exit code 7, \d+(\.\d+)?m?s\n$/);
  });

  it("hears every signal, whenever it comes", async () => {
    const call = start(["-q", "--", "true"]);
    assert.equal((await call.ended).code, 0);
    assert.deepEqual([...call.unheard], []);
  });

  it("says nothing of its own with --quiet", async () => {
    assert.deepEqual(await exec(["-q", "--", "true"]), { code: 0, stdout: "", stderr: "" });
  });

  it("runs a program directly, and a line in a login shell", async () => {
    assert.equal((await exec(["-q", "--", "echo", "$HOME", "*"])).stdout, "$HOME *\n");
    assert.equal((await exec(["-q", "echo", "one", "two"])).stdout, "one two\n");
    assert.equal((await exec(["-q", "-c", "echo $((40 + 2)) $FROM_SESSION"])).stdout, "42 yes\n");
    assert.equal((await exec(["-q", "--shell", "shopt -q login_shell && echo login; echo 1"])).code, 0);
  });

  it("takes what stands behind -- as it is", async () => {
    assert.equal(
      (await exec(["-q", "--", "echo", "--json", "-q", "--", "--help"])).stdout,
      "--json -q -- --help\n",
    );
  });

  it("takes the first word for a command of its own, but not behind --, and not for another place", async () => {
    const help = await world.ok(["sandbox", "exec", "list", "--help"]);
    assert.match(help, /^Usage: tenki sandbox exec list \[SESSION\]/);
    assert.equal((await exec(["-q", "--", "list"])).code, 127);
    assert.equal((await exec(["-q", "--", "list", "--help"])).code, 127);
    assert.equal((await exec(["-q", "echo", "list"])).stdout, "list\n");
    assert.equal((await exec(["-q", "-e", "A=list", "echo", "wait"])).stdout, "wait\n");
    const { code, stderr } = await exec(["--cwd", "/", "list"]);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^error: unexpected flag --cwd before "list"\nhint: .* -- list for a program of that name/,
    );
  });

  it("says plainly where the service cannot keep commands, and starts what the contract's own call can", async () => {
    const { code, stderr } = await exec(["list"]);
    assert.equal(code, 1);
    assert.match(stderr, /^error: the service at .* cannot keep commands: it does not offer executions\n$/);
    const started = await exec(["-d", "--", "make", "all"]);
    assert.match(started.stdout, /^[0-9a-f-]{36}\n$/);
    const logs = await exec(["logs", started.stdout.trim()]);
    assert.deepEqual(logs, { code: 0, stdout: "out\n", stderr: "err\n" });
    const tty = await exec(["-d", "-t", "--cwd", "/", "--", "true"]);
    assert.equal(tty.code, 125);
    assert.match(tty.stderr, /^error: this service cannot detach a command with --tty and --cwd\n$/);
  });

  it("passes the environment and the directory on", async () => {
    const { stdout } = await exec([
      "-q",
      "-e",
      "A=b=c",
      "--env",
      "EMPTY=",
      "--cwd",
      "/",
      "-c",
      'echo "$A|$EMPTY|$PWD"',
    ]);
    assert.equal(stdout, "b=c||/\n");
  });

  it("takes variables by their names, and from files, and the flag counts more", async () => {
    await writeFile(join(world.home, "more.env"), "# comment\nSECRET\nexport A=from file\nB=kept\n");
    const { stdout, stderr } = await exec(
      [
        "-v",
        "--env-file",
        "more.env",
        "-e",
        "A=from flag",
        "-e",
        "OTHER",
        "-c",
        'echo "$SECRET|$A|$B|$OTHER"',
      ],
      { env: { SECRET: "s3cr3t value", OTHER: "" } },
    );
    assert.equal(stdout, "s3cr3t value|from flag|kept|\n");
    assert.doesNotMatch(stderr, /s3cr3t/);
  });

  it("takes variables from stdin, which the command then has none of", async () => {
    const args = ["-q", "--env-file", "-", "-c", 'echo "$A"; cat'];
    assert.equal((await exec(args, { input: "# comment\nA=from stdin\n" })).stdout, "from stdin\n");
  });

  it("ends with 124 past its time, 128 + N by a signal, 126 and 127 where it cannot start", async () => {
    assert.equal((await exec(["-q", "--timeout", "100ms", "--", "sleep", "60"])).code, 124);
    assert.equal((await exec(["-q", "-c", "kill -KILL $$"])).code, 137);
    assert.match((await exec(["-c", "kill -TERM $$"])).stderr, /exit code 143 \(SIGTERM\)/);
    assert.equal((await exec(["-q", "--", "no-such-program"])).code, 127);
    assert.equal((await exec(["-q", "--", "/etc"])).code, 126);
  });

  it("passes stdin on byte for byte when it is piped", async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, at) => at % 256));
    const call = start(["-q", "--", "cat"], { input: Readable.from([bytes]) });
    assert.equal((await call.ended).code, 0);
    assert.deepEqual(call.stdout.bytes, bytes);
  });

  it("ends when the command does, though stdin goes on for ever", async () => {
    const endless = Readable.from(
      (async function* () {
        for (;;) yield Buffer.alloc(8_192, "y\n");
      })(),
    );
    const { code, stdout } = await exec(["-q", "--", "head", "-c", "1000000"], { input: endless });
    assert.deepEqual({ code, length: stdout.length }, { code: 0, length: 1_000_000 });
  });

  it("does not read a terminal's stdin without -i, and reads it with", async () => {
    const unread = start(["-q", "--", "cat"], { terminal: ["stdin"] });
    assert.equal((await unread.ended).code, 0);
    const call = start(["-q", "-i", "--", "cat"], { terminal: ["stdin"] });
    (call.stdin as unknown as PassThrough).end("typed\n");
    assert.equal((await call.ended).stdout, "typed\n");
    assert.deepEqual(call.stdin.raw, []);
  });

  it("does not mind a stdin that cannot be read", async () => {
    const broken = new Readable({
      read() {
        this.destroy(new Error("EISDIR"));
      },
    });
    assert.equal((await exec(["-q", "--", "cat"], { input: broken })).code, 0);
  });

  it("is held back by a reader that is slow, and loses nothing", async () => {
    const call = start(["-q", "--", "sh", "-c", "head -c 3000000 /dev/zero; echo done >&2"]);
    call.stdout.hold();
    await waitUntil(() => (call.stdout.bytes.length > 0 ? true : undefined), { timeoutMs: 5_000 });
    assert.equal(call.stderr.text, "", "the command must not get ahead of its reader");
    assert.ok(call.stdout.bytes.length < 3_000_000);
    call.stdout.release();
    assert.equal((await call.ended).code, 0);
    assert.equal(call.stdout.bytes.length, 3_000_000);
  });

  it("ends the command, quietly and as by SIGPIPE, when nobody reads its output any more", async () => {
    const call = start(["--", "sh", "-c", "echo $$ >&2; exec yes"]);
    await call.shows("stderr", /\d+\n/);
    call.stdout.breakPipe();
    const { code, stderr } = await call.ended;
    assert.equal(code, 141);
    assert.match(stderr, /^\d+\n$/);
    await gone(Number(stderr));
  });

  describe("with --json", () => {
    it("prints one object", async () => {
      const { code, stdout, stderr } = await exec(["--json", "-c", "echo out; echo err >&2; exit 3"]);
      const { duration_ms, ...rest } = JSON.parse(stdout) as Record<string, unknown>;
      assert.deepEqual({ code, stderr }, { code: 3, stderr: "" });
      assert.equal(typeof duration_ms, "number");
      assert.deepEqual(rest, { status: "FAILED", exit_code: 3, stdout: "out\n", stderr: "err\n" });
    });

    it("encodes both outputs where one is not UTF-8, and says so", async () => {
      const { stdout } = await exec(["--json", "-c", "printf '\\377\\376'; printf text >&2"]);
      const { encoding, stdout: out, stderr: err } = JSON.parse(stdout) as Record<string, string>;
      assert.deepEqual({ encoding, out, err }, { encoding: "base64", out: "//4=", err: "dGV4dA==" });
    });

    it("says in the object what could not be started, timed out, or was ended by a signal", async () => {
      const result = async (...args: string[]) =>
        JSON.parse((await exec(["--json", ...args])).stdout) as object;
      assert.match(
        JSON.stringify(await result("--", "nope")),
        /"exit_code":127.*"error":"no such file or directory"/,
      );
      assert.match(
        JSON.stringify(await result("--timeout", "50ms", "--", "sleep", "9")),
        /"TIMED_OUT","exit_code":124/,
      );
      assert.match(JSON.stringify(await result("-c", "kill -9 $$")), /"exit_code":137,"signal":"KILL"/);
    });
  });

  describe("when it is interrupted", () => {
    it("sends SIGINT first, SIGTERM second, SIGKILL third, and ends then", async () => {
      const script = "trap 'echo int' INT; trap 'echo term' TERM; echo ready; while :; do sleep 0.05; done";
      const call = start(["-q", "--", "bash", "-c", script]);
      await call.shows("stdout", /ready/);
      call.signal("SIGINT");
      await call.shows("stdout", /int/);
      call.signal("SIGINT");
      await call.shows("stdout", /term/);
      call.signal("SIGINT");
      const { code, stderr } = await call.ended;
      assert.equal(code, 130);
      assert.match(stderr, /error: interrupted\n$/); // bash tells of its own children that were ended
    });

    it("ends with the command's own code where the command minds SIGINT", async () => {
      const call = start([
        "-q",
        "--",
        "bash",
        "-c",
        "trap 'exit 9' INT; echo ready; while :; do sleep 0.05; done",
      ]);
      await call.shows("stdout", /ready/);
      call.signal("SIGINT");
      assert.equal((await call.ended).code, 9);
    });

    it("passes SIGTERM on", async () => {
      const call = start(["-q", "--", "sh", "-c", "echo ready; exec sleep 60"]);
      await call.shows("stdout", /ready/);
      call.signal("SIGTERM");
      assert.equal((await call.ended).code, 143);
    });

    it("listens to no signal any more once it has ended", async () => {
      const call = start(["-q", "--", "true"]);
      await call.ended;
      assert.equal(call.signal("SIGINT"), false);
    });
  });

  it("says what happened when the service goes away half-way", async () => {
    const call = start(["-q", "--", "sh", "-c", "echo ready; exec sleep 60"]);
    await call.shows("stdout", /ready/);
    service.dropConnections();
    const { code, stderr } = await call.ended;
    assert.equal(code, 125);
    assert.match(stderr, /^error: the connection to .* was lost.* whether it has ended is not known/);
  });

  describe("with -t", () => {
    const terminal = ["stdin", "stdout", "stderr"] as const;

    it("gives the size and the kind of the terminal, passes keys on raw, and restores the terminal", async () => {
      const call = start(["-t", "-q", "--", "sh", "-c", 'echo "$LINES $COLUMNS $TERM"; head -c 3'], {
        terminal,
        columns: 101,
        env: { TERM: "xterm-256color" },
      });
      await call.shows("stdout", /24 101 xterm-256color/);
      assert.deepEqual(call.stdin.raw, [true]);
      (call.stdin as unknown as PassThrough).write("\u0003ab");
      const { code, stdout } = await call.ended;
      assert.equal(code, 0);
      assert.ok(stdout.endsWith("\u0003ab"), JSON.stringify(stdout));
      assert.deepEqual(call.stdin.raw, [true, false]);
    });

    it("tells the sandbox a new size, and of many only the last", async () => {
      const call = start(["-t", "-q", "--", "cat"], { terminal, env: { TERM: "xterm" } });
      await waitUntil(() => (call.stdin.raw.length > 0 ? true : undefined), { timeoutMs: 5_000 });
      for (const columns of [90, 91, 92]) {
        call.stdout.columns = columns;
        call.stdout.emit("resize");
      }
      const sizes = await waitUntil(
        () => {
          const seen = service.commands.filter(({ cmd }) => cmd[2]?.startsWith("stty") === true);
          return seen.at(-1)?.cmd[5] === "92" ? seen.map(({ cmd }) => cmd.slice(4, 6)) : undefined;
        },
        { timeoutMs: 5_000 },
      );
      assert.deepEqual(sizes?.at(-1), ["24", "92"]);
      assert.ok((sizes?.length ?? 0) < 3, "one at a time");
      (call.stdin as unknown as PassThrough).end();
      await call.ended;
    });

    it("restores the terminal when the service goes away, and when it is ended", async () => {
      for (const end of [() => service.dropConnections(), undefined]) {
        const call = start(["-t", "-q", "--", "sh", "-c", "trap '' TERM; echo ready; sleep 60"], {
          terminal,
        });
        await call.shows("stdout", /ready/);
        if (end !== undefined) end();
        else {
          call.signal("SIGTERM");
          call.signal("SIGTERM");
        }
        await call.ended;
        assert.deepEqual(call.stdin.raw, [true, false]);
        assert.ok(call.stdout.text.includes("\u001b[?25h"), "the cursor is shown again");
      }
    });
  });

  it("accepts --stream and --user, which change nothing or run as root", async () => {
    assert.equal((await exec(["-q", "--stream", "--", "true"])).code, 0);
    await exec(["-q", "--user", "root", "--", "true"]);
    assert.equal(service.commands.at(-1)?.privileged, true);
    await exec(["-q", "-u", "tenki", "--", "true"]);
    assert.equal(service.commands.at(-1)?.privileged, false);
  });
});

async function gone(pid: number): Promise<void> {
  const ended = await waitUntil(
    () => {
      try {
        process.kill(pid, 0);
        return undefined;
      } catch {
        return true;
      }
    },
    { timeoutMs: 5_000 },
  );
  assert.ok(ended, `process ${pid} still runs`);
}
