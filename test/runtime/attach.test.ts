import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import type { GuestCommand, GuestProcess } from "../../src/engine/core/ports/runtime.js";
import { runProcess } from "../../src/lib/process.js";
import { Workbench } from "./support/workbench.js";

let bench: Workbench;
let id: string;
before(async () => {
  bench = await Workbench.open();
  id = await bench.start();
});
after(() => bench.close());

const never = () => new AbortController().signal;

async function begin(script: string, options: Partial<GuestCommand>): Promise<GuestProcess> {
  const command = { argv: ["sh", "-c", script], cwd: "/home/tenki", env: { PATH: "/usr/bin:/bin" } };
  const spawned = await bench.runtime.spawn(
    id,
    { ...command, privileged: false, timeoutMs: 30_000, ...options },
    never(),
  );
  assert.ok(spawned.started);
  return spawned.process;
}

/** What it says until it has said so much, or ends. */
async function hear(process: GuestProcess, bytes = Infinity): Promise<{ text: string; code?: number }> {
  let text = "";
  const events = process.events[Symbol.asyncIterator]();
  for (let next = await events.next(); !next.done; next = await events.next()) {
    if (next.value.kind === "stdout") text += Buffer.from(next.value.data).toString();
    if (next.value.kind === "exit") {
      await events.next();
      return { text, code: next.value.exit.exitCode };
    }
    if (text.length >= bytes) break;
  }
  return { text };
}

test("an engine that starts anew goes on where the one before it was", async () => {
  for (const privileged of [false, true]) {
    const kept = { id: randomUUID(), lingerMs: 0 };
    const first = await begin("echo before; read line; echo $line; exit 3", { kept, privileged });
    assert.equal((await hear(first, 7)).text, "before\n");
    first.detach();
    const later = await bench.newRuntime();
    const second = await later.attach(id, kept.id, { outputOffset: 7 }, never());
    assert.equal(second.pid, first.pid);
    await second.writeStdin(Buffer.from("after\n"));
    assert.deepEqual(await hear(second), { text: "after\n", code: 3 });
    await assert.rejects(later.attach(id, kept.id, { outputOffset: 0 }, never()), { kind: "not_found" });
  }
});

test("a frozen sandbox's commands have all their time when they thaw", async () => {
  const kept = { id: randomUUID(), lingerMs: 3_500 };
  const process = await begin("echo up; read line; sleep 1; echo $line", { kept, timeoutMs: 3_500 });
  await hear(process, 3);
  process.detach();
  const runc = ["runc", "--root", `${bench.dataDir}/runc`];
  await runProcess([...runc, "pause", id]);
  await new Promise((resolve) => setTimeout(resolve, 4_500)); // the time that passes is what is tested
  await runProcess([...runc, "resume", id]);
  const back = await bench.runtime.attach(id, kept.id, { outputOffset: 3 }, never());
  await back.writeStdin(Buffer.from("thawed\n"));
  assert.deepEqual(await hear(back), { text: "thawed\n", code: 0 });
});
