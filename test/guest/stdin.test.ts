import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type { GuestProcess } from "../../src/engine/core/ports/runtime.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { childrenOf, GuestSandbox } from "./support/guest-sandbox.js";
import { collect, run, start } from "./support/run-in.js";

let sandbox: GuestSandbox;
before(async () => {
  sandbox = await GuestSandbox.start();
});
after(() => sandbox.stop());

test("stdin arrives, and its end", async () => {
  assert.equal((await run(sandbox, ["cat"], { stdin: "one\ntwo" })).stdout, "one\ntwo");
  assert.equal((await run(sandbox, ["wc", "-c"], { stdin: "" })).stdout, "0\n");
});

test("what is taken is granted again, and all of it is accounted for", async () => {
  const process = await start(sandbox, ["sh", "-c", "sleep 0.2; wc -c"]);
  const total = 1_000_000;
  const { taken, stdout } = await echo(process, total);
  assert.equal(taken, total);
  assert.equal(stdout.toString(), `${total}\n`);
});

test("no more than the window is taken from a writer whose command does not read", async () => {
  const process = await start(sandbox, ["sleep", "1000"]);
  await process.writeStdin(Buffer.alloc(process.stdinWindowBytes));
  const events = process.events[Symbol.asyncIterator]();
  const first = await events.next();
  assert.ok(first.value?.kind === "stdin_taken" && first.value.bytes < process.stdinWindowBytes);
  process.signal("TERM"); // is heard although stdin is stuck
  for (let next = await events.next(); !next.done; next = await events.next()) {
    if (next.value.kind === "exit") assert.equal(next.value.exit.signal, "TERM");
  }
  await sandbox.waitUntilIdle();
});

test("stdin that nobody reads any more does not hold its writer back", async () => {
  const process = await start(sandbox, ["sh", "-c", "exec <&-; sleep 0.3"]);
  const { taken } = await echo(process, 2_000_000);
  assert.ok(taken >= 2_000_000 - process.stdinWindowBytes, String(taken));
});

test("what is written after the end is dropped in silence", async () => {
  const process = await start(sandbox, ["true"]);
  const { exit } = await collect(process);
  assert.equal(exit.exitCode, 0);
  await process.writeStdin(Buffer.from("late"));
  process.closeStdin();
  process.signal("TERM");
  process.close();
});

test("200 MB pass through and back unchanged, with flat memory on both sides", async () => {
  const process = await start(sandbox, ["cat"]);
  const before = globalThis.process.memoryUsage().rss;
  const total = 200_000_000;
  const { received, digest, sent } = await echo(process, total);
  assert.equal(received, total);
  assert.equal(digest, sent);
  const growth = globalThis.process.memoryUsage().rss - before;
  assert.ok(growth < 120e6, `grew by ${growth}`);
});

test("the process that serves a command stays small while much passes through", async () => {
  const process = await start(sandbox, ["cat"]);
  const [handler] = childrenOf(sandbox.initPid);
  let peakKilobytes = 0;
  await echo(process, 20_000_000, () => {
    const status = readFileSync(`/proc/${handler}/status`, "utf8");
    peakKilobytes = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]);
  });
  assert.ok(peakKilobytes > 0 && (peakKilobytes < 3_000 || isSanitized), `${peakKilobytes} kB`);
});

test("a reader that stalls stalls the command, and nothing piles up between", async () => {
  const process = await start(sandbox, ["dd", "if=/dev/zero", "bs=64k", "status=none"]);
  const [handler = 0] = childrenOf(sandbox.initPid);
  const [command = 0] = childrenOf(handler);
  const events = process.events[Symbol.asyncIterator]();
  await events.next();
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
  assert.ok(stalledAt !== undefined && stalledAt < 4_000_000, `wrote ${last} bytes that nobody read`);
  for (let read = 0; read < 2 * stalledAt;) {
    const next = await events.next();
    if (!next.done && next.value.kind === "stdout") read += next.value.data.length;
  }
  assert.ok(written() > stalledAt, "it goes on when it is read again");
  process.close();
  await sandbox.waitUntilIdle();
});

const isSanitized = process.env["TENKI_TEST_GUEST"]?.includes("sanitize") ?? false;

interface Echoed {
  readonly taken: number;
  readonly received: number;
  readonly stdout: Buffer;
  readonly sent: string;
  readonly digest: string;
}

/** Feeds stdin as the window allows while reading, both to the end. */
async function echo(process: GuestProcess, total: number, atExit?: () => void): Promise<Echoed> {
  let credit = process.stdinWindowBytes;
  let taken = 0;
  let received = 0;
  const state = { ended: false };
  const chunk = Buffer.from(Array.from({ length: 50_000 }, (_, index) => (index * 7) & 255));
  const sent = createHash("sha1");
  const digest = createHash("sha1");
  let wake: () => void = () => undefined;
  const feed = async () => {
    for (let left = total; left > 0 && !state.ended;) {
      const size = Math.min(chunk.length, left, credit);
      if (size === 0) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      credit -= size;
      left -= size;
      sent.update(chunk.subarray(0, size));
      await process.writeStdin(chunk.subarray(0, size));
    }
    atExit?.();
    process.closeStdin();
  };
  const feeding = feed();
  const head: Uint8Array[] = [];
  for await (const event of process.events) {
    if (event.kind === "stdout") {
      received += event.data.length;
      digest.update(event.data);
      if (head.length < 10) head.push(event.data.subarray(0, 100));
    } else if (event.kind === "stdin_taken") {
      credit += event.bytes;
      taken += event.bytes;
      wake();
    }
  }
  state.ended = true;
  wake();
  await feeding;
  return {
    taken,
    received,
    stdout: Buffer.concat(head),
    sent: sent.digest("hex"),
    digest: digest.digest("hex"),
  };
}
