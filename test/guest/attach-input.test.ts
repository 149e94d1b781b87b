import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import type { GuestCommand, GuestProcess } from "../../src/engine/core/ports/runtime.js";
import { attach, kept, Listener } from "./support/attached.js";
import { GuestSandbox } from "./support/guest-sandbox.js";
import { start } from "./support/run-in.js";

let sandbox: GuestSandbox;
before(async () => {
  sandbox = await GuestSandbox.start();
});
after(() => sandbox.stop());

const content = randomBytes(6_000_000);
const sha1 = (data: Uint8Array): string => createHash("sha1").update(data).digest("hex");

/** Writes from where the command has its stdin, as the window allows, until it is told to stop or all is written. */
async function feed(listener: Listener, shallStop: () => boolean): Promise<void> {
  const { process } = listener;
  for (let at = process.stdinReceived; at < content.length && !shallStop();) {
    const credit = process.stdinReceived + process.stdinWindowBytes + listener.taken - at;
    if (credit === 0) {
      await listener.next();
      continue;
    }
    const size = Math.min(credit, content.length - at, 50_001);
    void process.writeStdin(content.subarray(at, at + size));
    at += size;
  }
}

test("stdin goes on where it was received, however often its writer is lost in the middle of it", async () => {
  const options = kept();
  const process: GuestProcess = await start(sandbox, ["sh", "-c", "sha1sum; echo done"], options);
  let listener = new Listener(process);
  for (let round = 1; round <= 25; round++) {
    const until = listener.process.stdinReceived + round * 9_973;
    await feed(listener, () => listener.process.stdinReceived + listener.taken >= until);
    listener.process.detach(); // with writes still on their way, and headers cut in two
    listener = new Listener(await attach(sandbox, options, 0));
  }
  assert.ok(listener.process.stdinReceived > 1_000_000, String(listener.process.stdinReceived));
  assert.ok(listener.process.stdinReceived <= content.length);
  await feed(listener, () => false);
  listener.process.closeStdin();
  await listener.finish();
  assert.equal(listener.text(), `${sha1(content)}  -\ndone\n`);
  await sandbox.waitUntilIdle();
});

test("the window is what is left of it while the command does not read", async () => {
  const options = kept();
  const first = new Listener(await start(sandbox, ["sh", "-c", "read line; wc -c"], options));
  const window = first.process.stdinWindowBytes;
  await first.process.writeStdin(Buffer.alloc(window)); // no line ends in it: all is read, and waited on
  while (first.taken < window) await first.next();
  first.process.detach();
  const idle = new Listener(await attach(sandbox, options, 0));
  assert.deepEqual([idle.process.stdinWindowBytes, idle.process.stdinReceived], [window, window]);
  idle.process.close();
  await sandbox.waitUntilIdle();

  const stuck = kept();
  const second = new Listener(await start(sandbox, ["sleep", "1000"], stuck));
  await second.process.writeStdin(Buffer.alloc(window));
  await second.next();
  second.process.detach();
  const later = new Listener(await attach(sandbox, stuck, 0));
  assert.equal(later.process.stdinReceived, window);
  assert.equal(later.process.stdinWindowBytes, second.taken, "the pipe took that, the rest is waiting");
  later.process.close();
  await sandbox.waitUntilIdle();
});

const terminal: Partial<GuestCommand> = { terminal: { columns: 101, rows: 33 } };

test("a terminal has its size changed, and whoever looks at it is told; so it has after its caller came back", async () => {
  const options = { ...terminal, ...kept() };
  const script = "trap 'stty size' WINCH; echo ready; while :; do sleep 0.02; done";
  const first = new Listener(await start(sandbox, ["sh", "-c", script], options));
  await first.untilBytes("ready\r\n".length);
  first.process.resize({ columns: 120, rows: 40 });
  await first.untilBytes("ready\r\n40 120\r\n".length);
  first.process.detach();
  const second = new Listener(await attach(sandbox, options, first.bytes));
  second.process.resize({ columns: 70_000, rows: 0 });
  await second.untilBytes("0 65535\r\n".length);
  assert.deepEqual([first.text(), second.text()], ["ready\r\n40 120\r\n", "0 65535\r\n"]);
  await second.process.writeStdin(Buffer.from("\x03"));
  assert.equal((await second.untilExit()).signal, "INT");
  second.process.close();
  await sandbox.waitUntilIdle();
});

test("without a terminal a change of size is nothing", async () => {
  const listener = new Listener(await start(sandbox, ["cat"]));
  listener.process.resize({ columns: 1, rows: 1 });
  await listener.process.writeStdin(Buffer.from("fine"));
  listener.process.closeStdin();
  await listener.finish();
  assert.equal(listener.text(), "fine");
});

test("any signal of the kernel's is sent by its name, and no other name is", async () => {
  for (const [name, number] of [
    ["WINCH", 28],
    ["QUIT", 3],
    ["RTMIN", 34],
    ["RTMIN+3", 37],
    ["RTMAX-1", 63],
  ] as const) {
    const script = `trap 'echo got; exit 5' ${number}; echo up; while :; do sleep 0.02; done`;
    const listener = new Listener(await start(sandbox, ["bash", "-c", script]));
    await listener.untilBytes(3);
    listener.process.signal(name);
    assert.equal((await listener.untilExit()).exitCode, 5, name);
    assert.match(listener.text("stdout"), /got\n$/, name);
    listener.process.close();
  }
  const listener = new Listener(await start(sandbox, ["sleep", "1000"]));
  for (const name of ["", "term", "SIGTERM", "9", "RTMIN-1", "RTMAX+1", "RTMIN+31", "toString"]) {
    assert.throws(() => listener.process.signal(name), { kind: "invalid_argument" }, name);
  }
  listener.process.signal("KILL");
  assert.equal((await listener.untilExit()).signal, "KILL");
  listener.process.close();
  await sandbox.waitUntilIdle();
});
