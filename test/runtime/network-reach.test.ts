import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { DialError } from "../../src/domain/dial.js";
import { NetworkReach } from "../../src/engine/runtime/network-reach.js";

/** A process that has never been: nobody can be reached there. */
const nobody = { pid: process.pid, startTicks: "1" };

test("whoever finds no process left is told so, however many at once", { timeout: 60_000 }, async () => {
  const reach = new NetworkReach(resolve("dist/tenki-guest"), 8);
  const ask = () => reach.connect(nobody, { port: 1, timeoutMs: 1_000 }, new AbortController().signal);
  const answers = await Promise.all(Array.from({ length: 5_000 }, ask));
  assert.deepEqual(new Set(answers), new Set([undefined]));
});

test("nobody waits for longer than they want to, answer or not", { timeout: 60_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), "tenki-reach-"));
  const silent = join(directory, "silent");
  await writeFile(silent, "#!/bin/sh\nexec cat <&3\n", { mode: 0o755 });
  try {
    const leaving = new AbortController();
    const waiting = new NetworkReach(silent).connect(nobody, { port: 1, timeoutMs: 60_000 }, leaving.signal);
    leaving.abort();
    await assert.rejects(waiting, (error) => error instanceof DialError && error.failure === "timeout");
  } finally {
    await rm(directory, { recursive: true });
  }
});
