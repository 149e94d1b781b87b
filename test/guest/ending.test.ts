import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { waitUntil } from "../../src/lib/wait-until.js";
import { attach, kept } from "./support/attached.js";
import { childrenOf, GuestSandbox } from "./support/guest-sandbox.js";
import { collect, run, shell, start } from "./support/run-in.js";

let sandbox: GuestSandbox;
before(async () => {
  sandbox = await GuestSandbox.start();
});
after(() => sandbox.stop());

/** Forks twice into a session of its own, holding none of the streams, as daemons do. */
const daemon = "(setsid sh -c 'exec >/dev/null 2>&1 </dev/null; exec sleep 1000' &)";

test("past its time the whole tree is killed, a daemon that got away included", async () => {
  const { exit, stdout } = await shell(
    sandbox,
    `${daemon}; echo before; trap '' TERM HUP; sleep 1001; sleep 1002`,
    {
      timeoutMs: 400,
    },
  );
  assert.equal(exit.timedOut, true);
  assert.equal(exit.reason, "timeout");
  assert.equal(exit.signal, "KILL");
  assert.equal(stdout, "before\n", "what it said before is not lost");
  assert.ok(exit.durationMs >= 400 && exit.durationMs < 5_000, String(exit.durationMs));
  await sandbox.waitUntilIdle();
});

test("a terminal's command ends in time as well", async () => {
  const { exit } = await run(sandbox, ["sleep", "1000"], {
    timeoutMs: 200,
    terminal: { columns: 80, rows: 24 },
  });
  assert.equal(exit.timedOut, true);
  await sandbox.waitUntilIdle();
});

test("time in which a command was frozen does not count, and the rest does", async () => {
  const process = await start(sandbox, ["sh", "-c", "read line; sleep 1; echo $line; exec sleep 1000"], {
    timeoutMs: 3_500,
  });
  const [handler = 0] = childrenOf(sandbox.initPid);
  const frozen = [handler, ...childrenOf(handler)];
  for (const pid of frozen) globalThis.process.kill(pid, "SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, 4_500)); // the time that passes is what is tested
  for (const pid of frozen) globalThis.process.kill(pid, "SIGCONT");
  await process.writeStdin(Buffer.from("thawed\n"));
  const { exit, stdout } = await collect(process);
  assert.deepEqual([stdout, exit.timedOut], ["thawed\n", true]);
  await sandbox.waitUntilIdle();
});

test("a kept command's caller has all its time to come back although it was frozen meanwhile", async () => {
  const options = kept(3_500);
  const first = await start(sandbox, ["cat"], options);
  const [handler = 0] = childrenOf(sandbox.initPid);
  const frozen = [handler, ...childrenOf(handler)];
  first.detach();
  for (const pid of frozen) globalThis.process.kill(pid, "SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, 4_500)); // the time that passes is what is tested
  for (const pid of frozen) globalThis.process.kill(pid, "SIGCONT");
  const second = await attach(sandbox, options, 0);
  second.closeStdin();
  assert.equal((await collect(second)).exit.exitCode, 0);
  await sandbox.waitUntilIdle();
});

test("time counts on while a background process holds the output open", async () => {
  const { exit } = await shell(sandbox, "sleep 1000 & exit 3", { timeoutMs: 300 });
  assert.equal(exit.timedOut, true);
  assert.equal(exit.exitCode, 3);
  await sandbox.waitUntilIdle();
});

test("past its time it is over even where somebody else holds its output", async () => {
  const process = await start(sandbox, ["sleep", "1000"], { timeoutMs: 500 });
  const script = `exec 9> /proc/${process.pid}/fd/1; echo held; exec sleep 1001`;
  const holder = await start(sandbox, ["sh", "-c", script]);
  assert.equal((await holder.events[Symbol.asyncIterator]().next()).value?.kind, "stdout");
  const { exit } = await collect(process);
  assert.equal(exit.timedOut, true);
  assert.ok(exit.durationMs < 5_000, "it did not wait for the other");
  holder.close();
  await sandbox.waitUntilIdle();
});

test("time counts on while the caller does not read", async () => {
  const process = await start(sandbox, ["dd", "if=/dev/zero", "bs=64k", "status=none"], { timeoutMs: 300 });
  await waitUntil(() => sandbox.commands().length === 0 || undefined, { timeoutMs: 5_000 });
  assert.deepEqual(sandbox.commands(), []);
  let timedOut = false;
  for await (const event of process.events) if (event.kind === "exit") timedOut = event.exit.timedOut;
  assert.equal(timedOut, true);
});

test("a command that was in time is not late because its reader is", async () => {
  // Too much for the socket, not for the pipe behind it: it is over at once, and unread past its time.
  const process = await start(sandbox, ["sh", "-c", `${daemon}; head -c 600000 /dev/zero`], {
    timeoutMs: 300,
  });
  const over = () => (sandbox.commands().join() === "sleep 1000" ? true : undefined);
  assert.equal(await waitUntil(over, { timeoutMs: 5_000 }), true);
  await new Promise((resolve) => setTimeout(resolve, 500)); // the time that must pass is what is tested
  let size = 0;
  for await (const event of process.events) {
    if (event.kind === "stdout") size += event.data.length;
    if (event.kind === "exit") assert.deepEqual([event.exit.timedOut, event.exit.exitCode], [false, 0]);
  }
  assert.equal(size, 600_000);
  assert.deepEqual(sandbox.commands(), ["sleep 1000"], "and what it left running lives on");
  for (const pid of sandbox.pids("sleep 1000")) globalThis.process.kill(pid);
  await sandbox.waitUntilIdle();
});

test("a caller who goes away from what is over, unread, ends nothing that it left running", async () => {
  const process = await start(sandbox, ["sh", "-c", `${daemon}; head -c 600000 /dev/zero`]);
  const onlyDaemon = () => (sandbox.commands().join() === "sleep 1000" ? true : undefined);
  assert.equal(await waitUntil(onlyDaemon, { timeoutMs: 5_000 }), true);
  process.close();
  const [pid = 0] = sandbox.pids("sleep 1000");
  const adopted = () => childrenOf(sandbox.initPid).join() === String(pid) || undefined;
  assert.equal(await waitUntil(adopted, { timeoutMs: 5_000 }), true);
  globalThis.process.kill(pid);
  await sandbox.waitUntilIdle();
});

test("an answer waits for a caller that is slow to read it, and takes what that one still sends", async () => {
  const process = await start(sandbox, ["head", "-c", "420000", "/dev/zero"]);
  assert.equal(
    await waitUntil(() => sandbox.commands().length === 0 || undefined, { timeoutMs: 5_000 }),
    true,
  );
  for (let index = 0; index < 4; index++) await process.writeStdin(Buffer.alloc(60_000));
  process.signal("TERM");
  let size = 0;
  for await (const event of process.events) {
    if (event.kind === "stdout") size += event.data.length;
    if (event.kind === "exit") assert.equal(event.exit.exitCode, 0);
  }
  assert.equal(size, 420_000);
});

test("the caller's going away hangs up, and what handles that has time to", async () => {
  const process = await start(sandbox, [
    "sh",
    "-c",
    "trap 'sleep 0.2; echo bye > said; exit' HUP; echo up; while :; do sleep 0.02; done",
  ]);
  for await (const event of process.events) if (event.kind === "stdout") break; // leaving the loop lets go
  const said = await waitUntil(() => existsSync(sandbox.path("/home/tenki/said")) || undefined, {
    timeoutMs: 5_000,
  });
  assert.equal(said, true);
  await sandbox.waitUntilIdle();
  assert.equal(readFileSync(sandbox.path("/home/tenki/said"), "utf8"), "bye\n");
});

test("what does not listen to the hang-up is killed after a grace: daemons, the stopped, the stubborn", async () => {
  const script = `${daemon}; trap '' HUP TERM; sleep 1001 & kill -STOP $!; echo up; while :; do sleep 0.05; done`;
  const process = await start(sandbox, ["sh", "-c", script]);
  for await (const event of process.events) if (event.kind === "stdout") break;
  const gone = performance.now();
  await sandbox.waitUntilIdle(8_000);
  assert.ok(performance.now() - gone > 1_500, "the grace was kept");
});

test("a background process that let go of the streams lives on, and is reaped when it ends", async () => {
  const { exit, stdout } = await shell(sandbox, `${daemon}; echo done`);
  assert.equal(exit.exitCode, 0);
  assert.equal(stdout, "done\n");
  const left = await waitUntil(() => (sandbox.commands().join() === "sleep 1000" ? true : undefined), {
    timeoutMs: 5_000,
  });
  assert.equal(left, true, sandbox.commands().join());
  const [pid = 0] = sandbox.pids("sleep 1000");
  const adopted = () => childrenOf(sandbox.initPid).join() === String(pid) || undefined;
  assert.equal(await waitUntil(adopted, { timeoutMs: 5_000 }), true, "it is pid 1's now");
  process.kill(pid, "SIGTERM");
  await sandbox.waitUntilIdle();
});

test("a background process that holds stdout keeps the command open", async () => {
  const { stdout, exit } = await shell(sandbox, "(sleep 0.4; echo late) & echo early; exit 5");
  assert.equal(stdout, "early\nlate\n");
  assert.equal(exit.exitCode, 5);
  assert.ok(exit.durationMs >= 400);
});

test("a command that closes its outputs is waited for all the same", async () => {
  const { exit } = await shell(sandbox, "exec >&- 2>&-; sleep 0.3; exit 9");
  assert.equal(exit.exitCode, 9);
});

test("orphans are reaped while their command runs, and after", async () => {
  const { stdout } = await shell(
    sandbox,
    "for i in 1 2 3 4 5; do (true &) ; done; sleep 0.2; ps -o stat= -A",
  );
  assert.doesNotMatch(stdout, /Z/);
});

test("one that is let go of hears the end of its input, and what it started goes on", async () => {
  const script = `${daemon}; trap 'echo hung up > "$HOME/signalled"' HUP; cat > "$HOME/heard"; exec sleep 1001`;
  const process = await start(sandbox, ["sh", "-c", `cd; ${script}`], { letGo: true });
  await process.writeStdin(Buffer.from("last words"));
  const heard = await waitUntil(
    async () => ((await shell(sandbox, "cat heard")).stdout === "last words" ? true : undefined),
    { timeoutMs: 10_000 },
  );
  assert.equal(heard, true);
  process.close();
  const ended = await waitUntil(
    async () => ((await shell(sandbox, "pgrep -x -f 'sleep 1001'")).exit.exitCode === 0 ? true : undefined),
    { timeoutMs: 10_000 },
  );
  assert.equal(ended, true, "it did not hear the end of its input");
  const left = await shell(sandbox, "pgrep -x -f 'sleep 1000'; ls; pkill sleep; true");
  assert.match(left.stdout, /^\d+\n/, "the daemon was ended");
  assert.doesNotMatch(left.stdout, /signalled/);
  await sandbox.waitUntilIdle();
});
