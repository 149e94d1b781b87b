import assert from "node:assert/strict";
import { constants } from "node:os";
import { after, before, test } from "node:test";
import { waitUntil } from "../../src/lib/wait-until.js";
import { GuestSandbox } from "./support/guest-sandbox.js";
import { collect, commandOf, neverAborts, run, shell, start } from "./support/run-in.js";

let sandbox: GuestSandbox;
before(async () => {
  sandbox = await GuestSandbox.start();
});
after(() => sandbox.stop());

const { errno } = constants;

test("an exit code comes back as it is", async () => {
  for (const code of [0, 1, 7, 255]) {
    const { exit } = await shell(sandbox, `exit ${code}`);
    assert.equal(exit.exitCode, code);
    assert.equal(exit.reason, "exit");
    assert.equal(exit.signal, undefined);
    assert.equal(exit.timedOut, false);
  }
});

test("stdout and stderr stay apart", async () => {
  const ended = await shell(sandbox, "echo out; echo err >&2; echo out again");
  assert.equal(ended.stdout, "out\nout again\n");
  assert.equal(ended.stderr, "err\n");
});

test("its streams can be opened by name", async () => {
  for (const privileged of [false, true]) {
    const ended = await shell(sandbox, "cat /dev/stdin > /dev/stdout; echo err > /dev/stderr", {
      privileged,
      stdin: "in\n",
    });
    assert.deepEqual([ended.stdout, ended.stderr], ["in\n", "err\n"]);
  }
});

test("a signal of its own ends a command by name", async () => {
  const { exit } = await shell(sandbox, "kill -USR1 $$");
  assert.deepEqual([exit.reason, exit.signal, exit.exitCode], ["signaled", "USR1", 128 + 10]);
});

test("each signal that a caller can send reaches the whole process group", async () => {
  for (const name of ["TERM", "KILL", "INT", "HUP", "USR1", "USR2"] as const) {
    // The pipeline's sleep is not the group's leader, and holds stdout: the command ends when both are gone.
    const process = await start(sandbox, ["sh", "-c", "echo ready; sleep 1000 | sleep 1000"]);
    const events = process.events[Symbol.asyncIterator]();
    assert.equal((await events.next()).value?.kind, "stdout");
    process.signal(name);
    const last = (await events.next()).value;
    assert.equal(last?.kind, "exit", name);
    if (last?.kind === "exit") assert.equal(last.exit.signal, name);
  }
  await sandbox.waitUntilIdle();
});

test("a signal still reaches what the main process left in its group", async () => {
  const process = await start(sandbox, ["sh", "-c", "sleep 1000 & echo ready"]);
  const events = process.events[Symbol.asyncIterator]();
  assert.equal((await events.next()).value?.kind, "stdout");
  await waitUntil(() => sandbox.commands().join() === "sleep 1000" || undefined, { timeoutMs: 5_000 });
  process.signal("TERM");
  assert.equal((await events.next()).value?.kind, "exit");
  await sandbox.waitUntilIdle();
});

test("it runs as tenki, or as root where that is asked for, with that group and no other", async () => {
  const groups = "id -u; id -g; id -G";
  assert.equal((await shell(sandbox, groups)).stdout, "1000\n1000\n1000\n");
  assert.equal((await shell(sandbox, groups, { privileged: true })).stdout, "0\n0\n0\n");
});

test("the environment is exactly what was given, and the directory too", async () => {
  const ended = await run(sandbox, ["/usr/bin/env"], { env: { A: "1", B: "two words", C: "" } });
  assert.equal(ended.stdout, "A=1\nB=two words\nC=\n");
  assert.equal((await run(sandbox, ["pwd"], { cwd: "/usr/share" })).stdout, "/usr/share\n");
});

test("it starts with nothing open but its streams, no signal blocked or ignored, a mask, a session of its own", async () => {
  assert.equal(
    (await run(sandbox, ["ls", "/proc/self/fd"])).stdout,
    "0\n1\n2\n3\n",
    "3 is the listing itself",
  );
  const status = (await run(sandbox, ["cat", "/proc/self/status"])).stdout;
  assert.match(status, /^SigBlk:\t0+$/m);
  assert.match(status, /^SigIgn:\t0+$/m);
  assert.equal((await shell(sandbox, "umask")).stdout, "0022\n");
  const session = (await shell(sandbox, "cut -d' ' -f1,5,6 /proc/$$/stat")).stdout.trim().split(" ");
  assert.equal(new Set(session).size, 1, "pid, group and session are one");
});

test("out of memory, a command is ended before what serves it", async () => {
  const own = (await run(sandbox, ["cat", "/proc/1/oom_score_adj"])).stdout;
  const command = (await run(sandbox, ["cat", "/proc/self/oom_score_adj"])).stdout;
  assert.equal(Number(command), Math.min(Number(own) + 500, 1000));
});

test("what serves commands gets its turn before them", async () => {
  const nice = async (pid: string) =>
    Number((await shell(sandbox, `cut -d' ' -f19 /proc/${pid}/stat`)).stdout);
  assert.ok((await nice("1")) < 0);
  assert.equal(await nice("$$"), 0);
});

test("the pid that is told is the one inside", async () => {
  const process = await start(sandbox, ["sh", "-c", "echo $$"]);
  assert.equal((await collect(process)).stdout, `${process.pid}\n`);
});

test("the duration is the command's", async () => {
  const { exit } = await shell(sandbox, "sleep 0.3");
  assert.ok(exit.durationMs >= 300 && exit.durationMs < 5_000, String(exit.durationMs));
});

test("arguments pass unchanged, whatever they hold, up to the system's limit", async () => {
  const words = ["", "two words", "$HOME *", "'\"\\", "ü 🙂\n", "x".repeat(100_000)];
  assert.equal(
    (await run(sandbox, ["printf", "%s|", ...words])).stdout,
    words.map((word) => `${word}|`).join(""),
  );
});

test("what cannot be started says why", async () => {
  await shell(sandbox, "mkdir dir; echo hello > plain; printf 'echo hi\\n' > script; chmod +x script");
  const cases = [
    { argv: ["no-such-program"], errno: errno.ENOENT, code: 127, says: /no-such-program: no such file/ },
    { argv: ["/no/such/program"], errno: errno.ENOENT, code: 127, says: /no such file/ },
    { argv: ["/home/tenki/dir"], errno: errno.EACCES, code: 126, says: /permission denied/ },
    { argv: ["./plain"], errno: errno.EACCES, code: 126, says: /permission denied/ },
    { argv: ["./script"], errno: errno.ENOEXEC, code: 126, says: /interpreter/ },
    {
      argv: ["true"],
      cwd: "/nowhere",
      errno: errno.ENOENT,
      code: 125,
      says: /directory \/nowhere: no such file/,
    },
    { argv: ["true"], cwd: "/home/tenki/plain", errno: errno.ENOTDIR, code: 125, says: /not a directory/ },
    { argv: ["true"], cwd: "/root", errno: errno.EACCES, code: 125, says: /permission denied/ },
    { argv: ["true", "x".repeat(5 << 20)], errno: errno.E2BIG, code: 126, says: /argument list too long/ },
    { argv: ["true", "x".repeat(200_000)], errno: errno.E2BIG, code: 126, says: /argument list too long/ },
  ];
  for (const { argv, errno, code, says, ...options } of cases) {
    const result = await sandbox.link.spawn(commandOf(argv, options), neverAborts());
    assert.equal(result.started, false, argv[0]);
    if (result.started) continue;
    assert.equal(result.exit.errno, errno, argv[0]);
    assert.equal(result.exit.exitCode, code, argv[0]);
    assert.match(result.exit.reason, /^spawn_failed: /);
    assert.match(result.exit.reason, says);
  }
  await sandbox.waitUntilIdle();
});

test("a program is looked for in the PATH that was given, past those that cannot be run", async () => {
  await shell(
    sandbox,
    "mkdir -p a b; echo x > a/tool; printf '#!/bin/sh\\necho found\\n' > b/tool; chmod +x b/tool",
  );
  const found = await run(sandbox, ["tool"], { env: { PATH: "/home/tenki/a:/home/tenki/b" } });
  assert.equal(found.stdout, "found\n");
  const denied = await sandbox.link.spawn(
    commandOf(["tool"], { env: { PATH: "/home/tenki/a:/bin" } }),
    neverAborts(),
  );
  assert.equal(!denied.started && denied.exit.errno, errno.EACCES);
});

test("a NUL byte is refused before anything is sent", async () => {
  await assert.rejects(sandbox.link.spawn(commandOf(["true", "a\0b"]), neverAborts()), {
    kind: "invalid_argument",
  });
});

test("an abort ends a start that is under way, and the connection with it", async () => {
  const reason = AbortSignal.abort();
  await assert.rejects(sandbox.link.spawn(commandOf(["sleep", "1000"]), reason), { kind: "cancelled" });
  await sandbox.waitUntilIdle();
});
