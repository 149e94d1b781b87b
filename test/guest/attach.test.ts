import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { waitUntil } from "../../src/lib/wait-until.js";
import { attach, kept, Listener } from "./support/attached.js";
import { childrenOf, GuestSandbox } from "./support/guest-sandbox.js";
import { commandOf, neverAborts, start } from "./support/run-in.js";

let sandbox: GuestSandbox;
before(async () => {
  sandbox = await GuestSandbox.start();
});
after(() => sandbox.stop());

const begin = async (script: string, options: object): Promise<Listener> =>
  new Listener(await start(sandbox, ["sh", "-c", script], options));

test("whoever comes back goes on at any byte of both streams, and hears the exit as well", async () => {
  const options = kept();
  const script =
    "for i in 1 2 3 4 5 6; do echo out $i; sleep 0.02; echo err $i >&2; sleep 0.02; done; exit 7";
  const first = await begin(script, options);
  assert.equal((await first.untilExit()).exitCode, 7);
  first.process.detach();
  const whole = [...first.marked().matchAll(/!?[^!]/g)].map(([byte]) => byte);
  assert.equal(whole.length, 72);
  for (let offset = 0; offset <= whole.length; offset++) {
    const again = new Listener(await attach(sandbox, options, offset));
    assert.deepEqual([again.process.pid, again.process.outputOffset], [first.process.pid, offset]);
    const exit = await again.untilExit();
    assert.equal(again.marked(), whole.slice(offset).join(""), `from ${offset} on`);
    assert.deepEqual([exit.exitCode, exit.timedOut], [7, false]);
    again.process.detach();
  }
  await new Listener(await attach(sandbox, options, whole.length)).finish();
  await sandbox.waitUntilIdle();
  await assert.rejects(attach(sandbox, options, 0), { kind: "not_found", message: "no such command" });
});

test("a connection that was lost in the middle of much loses and repeats nothing", async () => {
  const options = kept();
  const lines = 300_000;
  let text = "";
  let listener = await begin(`seq 1 ${lines}`, options);
  for (let round = 1; ; round++) {
    const wanted = round * 7_919;
    let ended = false;
    while (!ended && listener.bytes < wanted) ended = (await listener.next())?.kind === "exit";
    text += listener.text();
    if (ended) break;
    listener.process.detach();
    listener = new Listener(await attach(sandbox, options, text.length));
  }
  assert.equal(text, Array.from({ length: lines }, (_, index) => `${index + 1}\n`).join(""));
  assert.equal(await listener.next(), undefined);
  await sandbox.waitUntilIdle();
});

test("what was sent is kept for some MiB; what is older is said to be gone, and nothing else changes", async () => {
  const options = kept();
  const total = 9_000_000;
  const first = await begin(`seq 1 2000000 | head -c ${total}; read line; echo $line >&2`, options);
  await first.untilBytes(total);
  const whole = first.text();
  const gone = { kind: "data_loss", message: "the command's output from there on is not kept" };
  for (const offset of [0, 1, total - (4 << 20), total + 1, Number.MAX_SAFE_INTEGER]) {
    await assert.rejects(attach(sandbox, options, offset), gone, String(offset));
  }
  await first.process.writeStdin(Buffer.from("still there\n"));
  await first.untilBytes(total + 12);
  const back = new Listener(await attach(sandbox, options, total - (3 << 20)));
  await back.finish();
  assert.equal(back.text("stdout"), whole.slice(total - (3 << 20)));
  assert.equal(back.text("stderr"), "still there\n");
  await sandbox.waitUntilIdle();
});

test("streams in turns of a few bytes are kept for as long as they can be on their way", async () => {
  const options = kept();
  const turns = 60_000;
  const write = `use IO::Handle; STDOUT->autoflush; for (1..${turns}) { syswrite STDOUT, "o"; syswrite STDERR, "e" }`;
  const first = new Listener(await start(sandbox, ["perl", "-e", write], options));
  await first.untilExit();
  assert.equal(first.bytes, 2 * turns);
  first.process.detach();
  const back = new Listener(await attach(sandbox, options, 1_001));
  await back.finish();
  const heard = { out: back.text("stdout").length, err: back.text("stderr").length };
  assert.equal(heard.out + heard.err, 2 * turns - 1_001);
  assert.equal(back.marked(), first.marked().slice(first.marked().length - back.marked().length));
});

test("a later caller takes a command from one who is still there", async () => {
  const options = kept();
  const first = await begin("echo one; read line; echo $line", options);
  await first.untilBytes(4);
  const second = new Listener(await attach(sandbox, options, 2));
  await assert.rejects(first.untilExit(), { kind: "unavailable" });
  await second.process.writeStdin(Buffer.from("two\n"));
  await second.finish();
  assert.equal(second.text(), "e\ntwo\n");
  await sandbox.waitUntilIdle();
});

test("with nobody there a command goes on until its pipes are full, and no further", async () => {
  const options = kept();
  const first = await begin("echo $$; exec dd if=/dev/zero bs=64k count=100 status=none", options);
  await first.untilBytes(1);
  const { bytes } = first;
  first.process.detach();
  const find = () => sandbox.pids("dd if=/dev/zero bs=64k count=100 status=none")[0];
  const command = await waitUntil(find, { timeoutMs: 5_000 });
  const written = () => Number(/wchar: (\d+)/.exec(readFileSync(`/proc/${command}/io`, "utf8"))?.[1]);
  let last = -1;
  const stalledAt = await waitUntil(
    () => {
      const now = written();
      const same = now === last;
      last = now;
      return same ? now : undefined;
    },
    { timeoutMs: 10_000, intervalMs: 100 },
  );
  assert.ok(stalledAt !== undefined && stalledAt < 1_500_000, `wrote ${last} bytes that nobody read`);
  const back = new Listener(await attach(sandbox, options, bytes));
  assert.equal((await back.untilExit()).exitCode, 0);
  assert.equal(back.bytes + bytes, 100 * 65_536 + first.text().indexOf("\n") + 1);
  back.process.close();
  await sandbox.waitUntilIdle();
});

test("one that nobody comes back to is hung up on in time, and its exit is forgotten", async () => {
  const daemon = "(setsid sh -c 'exec >/dev/null 2>&1 </dev/null; exec sleep 1000' &)";
  const options = kept(300);
  const first = await begin(`${daemon}; trap '' HUP; echo up; while :; do sleep 0.05; done`, options);
  await first.untilBytes(3);
  first.process.detach();
  await sandbox.waitUntilIdle(8_000);
  await assert.rejects(attach(sandbox, options, 0), { kind: "not_found" });
  const over = kept(300);
  const second = await begin("exit 3", over);
  await second.untilExit();
  second.process.detach();
  await sandbox.waitUntilIdle();
  await assert.rejects(attach(sandbox, over, 0), { kind: "not_found" });
});

test("closing is for good, whether it runs or has ended; one that is not kept cannot be left", async () => {
  const options = kept();
  const first = await begin("echo up; sleep 1000", options);
  await first.untilBytes(3);
  first.process.close();
  await sandbox.waitUntilIdle();
  const over = kept();
  const second = await begin("true", over);
  await second.untilExit();
  second.process.close();
  await sandbox.waitUntilIdle();
  for (const one of [options, over]) await assert.rejects(attach(sandbox, one, 0), { kind: "not_found" });
  (await start(sandbox, ["sleep", "1000"])).detach();
  await sandbox.waitUntilIdle();
});

test("a start that failed or was given up leaves nothing", async () => {
  const options = kept();
  const failed = await sandbox.link.spawn(commandOf(["no-such-program"], options), neverAborts());
  assert.equal(!failed.started && failed.exit.exitCode, 127);
  await assert.rejects(attach(sandbox, options, 0), { kind: "not_found" });
  for (let delay = 0; delay < 10; delay++) {
    const call = sandbox.link.spawn(commandOf(["sleep", "1000"], kept()), AbortSignal.timeout(delay));
    await call.then(
      (result) => result.started && result.process.close(),
      () => undefined,
    );
  }
  await sandbox.waitUntilIdle();
});

test("an id is one command's", async () => {
  const options = kept();
  const first = await begin("sleep 1000", options);
  const second = await sandbox.link.spawn(commandOf(["true"], options), neverAborts());
  assert.equal(second.started, false);
  first.process.close();
  await sandbox.waitUntilIdle();
});

test("a command gets none of what keeps it", async () => {
  const first = await begin("ls /proc/$$/fd", kept());
  await first.finish();
  assert.equal(first.text(), "0\n1\n2\n");
});

test("hundreds of kept commands leave no process and no socket behind", async () => {
  const ids: string[] = [];
  const one = async (round: number): Promise<void> => {
    const options = kept();
    ids.push(options.kept.id);
    let listener = await begin(`echo ${round}`, options);
    if (round % 3 === 0) {
      listener.process.detach();
      listener = new Listener(await attach(sandbox, options, 0));
    }
    await listener.finish();
    assert.equal(listener.text(), `${round}\n`);
  };
  for (let round = 0; round < 800; round += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, index) => one(round + index)));
  }
  await sandbox.waitUntilIdle();
  const sockets = readFileSync("/proc/net/unix", "utf8");
  assert.deepEqual(
    ids.filter((id) => sockets.includes(id)),
    [],
  );
});

const isSanitized = process.env["TENKI_TEST_GUEST"]?.includes("sanitize") ?? false;

test("keeping costs no memory until there is something to keep, and little then", async () => {
  const options = kept();
  const listener = await begin("read line; head -c 30000000 /dev/zero; read line", options);
  const [handler] = childrenOf(sandbox.initPid);
  const peakKilobytes = () =>
    Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${handler}/status`, "utf8"))?.[1]);
  assert.ok(peakKilobytes() < 1_500 || isSanitized, `${peakKilobytes()} kB`);
  await listener.process.writeStdin(Buffer.from("\n"));
  await listener.untilBytes(30_000_000);
  assert.ok(peakKilobytes() < 6_500 || isSanitized, `${peakKilobytes()} kB`);
  listener.process.close();
  await sandbox.waitUntilIdle();
});
