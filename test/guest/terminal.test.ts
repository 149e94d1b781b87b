import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { GuestCommand } from "../../src/engine/core/ports/runtime.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { GuestSandbox } from "./support/guest-sandbox.js";
import { collect, run, shell, start } from "./support/run-in.js";

let sandbox: GuestSandbox;
before(async () => {
  sandbox = await GuestSandbox.start();
});
after(() => sandbox.stop());

const terminal: Partial<GuestCommand> = { terminal: { columns: 101, rows: 33 } };

test("a terminal has the size asked for, a name, and an owner", async () => {
  const script = "stty size; tty; test -t 0 && test -t 1 && test -t 2 && echo all; stat -c %u $(tty)";
  const { stdout, stderr, exit } = await shell(sandbox, script, terminal);
  assert.match(stdout, /^33 101\r\n\/dev\/pts\/\d+\r\nall\r\n1000\r\n/);
  assert.equal(stderr, "");
  assert.equal(exit.exitCode, 0);
});

test("it is the controlling terminal: /dev/tty opens, and the session has a foreground group", async () => {
  const { stdout } = await shell(
    sandbox,
    "echo seen > /dev/tty; cut -d' ' -f8 /proc/$$/stat; echo $$",
    terminal,
  );
  const [seen, group, pid] = stdout.split("\r\n");
  assert.deepEqual([seen, group], ["seen", pid]);
});

test("without one, nothing is a terminal", async () => {
  assert.equal((await shell(sandbox, "tty; test -t 1 || echo none")).stdout, "not a tty\nnone\n");
});

test("the size can be changed from beside it", async () => {
  const process = await start(
    sandbox,
    ["sh", "-c", "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done"],
    terminal,
  );
  const events = process.events[Symbol.asyncIterator]();
  assert.equal((await events.next()).value?.kind, "stdout");
  await shell(sandbox, `stty rows 40 cols 120 < /proc/${process.pid}/fd/0`);
  let seen = "";
  for (let next = await events.next(); !next.done; next = await events.next()) {
    if (next.value.kind === "stdout") seen += Buffer.from(next.value.data).toString();
  }
  assert.match(seen, /40 120/);
});

test("what is typed is echoed and read, and the end of stdin is the end-of-file key", async () => {
  const { stdout, exit } = await run(sandbox, ["cat"], { ...terminal, stdin: "line\n" });
  assert.equal(stdout.replaceAll("^D\b\b", ""), "line\r\nline\r\n");
  assert.equal(exit.exitCode, 0);
});

test("a last line without an end is not lost at the end of stdin", async () => {
  const { stdout, exit } = await run(sandbox, ["wc", "-c"], { ...terminal, stdin: "abc" });
  assert.match(stdout, /3\r\n$/);
  assert.equal(exit.exitCode, 0);
});

test("the interrupt key is a signal for the command", async () => {
  const process = await start(sandbox, ["sleep", "1000"], terminal);
  await process.writeStdin(Buffer.from("\x03"));
  assert.equal((await collect(process)).exit.signal, "INT");
});

test("all that was printed before the end arrives", async () => {
  const { stdout } = await shell(sandbox, "seq 1 20000", terminal);
  assert.equal(stdout, Array.from({ length: 20_000 }, (_, index) => `${index + 1}\r\n`).join(""));
});

test("it ends with its main process, whoever else holds the terminal", async () => {
  const { stdout, exit } = await shell(sandbox, "trap '' HUP; sleep 1000 & echo done", terminal);
  assert.equal(stdout, "done\r\n");
  assert.equal(exit.exitCode, 0);
  const held = () => sandbox.commands().join() === "sleep 1000" || undefined;
  assert.equal(await waitUntil(held, { timeoutMs: 5_000 }), true, "it lives on");
  for (const pid of sandbox.pids("sleep 1000")) process.kill(pid);
  await sandbox.waitUntilIdle();
});

test("it ends even where its main process had left the session's terminal to others", async () => {
  const leave = "ioctl(STDIN, 0x5422, 0) or die $!"; // TIOCNOTTY: the kernel will not hang up
  const script = `$SIG{HUP} = "IGNORE"; ${leave}; $| = 1; print "left"; fork or sleep 1000`;
  const { stdout, exit } = await run(sandbox, ["perl", "-e", script], terminal);
  assert.deepEqual([stdout, exit.timedOut, exit.exitCode], ["left", false, 0]);
  for (const pid of sandbox.pids(`perl -e ${script}`)) process.kill(pid);
  await sandbox.waitUntilIdle();
});

test("a command may let go of its terminal for a while, and end without being hung up on", async () => {
  const script = "exec </dev/null >/dev/null 2>&1; sleep 0.3; echo again > /dev/tty; sleep 0.1; exit 4";
  const { stdout, exit } = await shell(sandbox, script, terminal);
  assert.equal(stdout, "again\r\n");
  assert.deepEqual([exit.exitCode, exit.signal], [4, undefined]);
  for (let round = 0; round < 50; round++) {
    const ended = await run(sandbox, ["wc", "-c"], { ...terminal, stdin: "abc" });
    assert.equal(ended.exit.exitCode, 0, "it closes its output just before it exits");
  }
});

test("the caller's going away hangs up the terminal", async () => {
  const process = await start(sandbox, ["sh", "-c", "sleep 1000; sleep 1000"], terminal);
  process.close();
  await sandbox.waitUntilIdle();
});
