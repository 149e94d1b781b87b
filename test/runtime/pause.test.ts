import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TenkiError } from "../../src/domain/error.js";
import { createOciRuntime } from "../../src/engine/runtime/oci-runtime.js";
import { silentLogger } from "../../src/lib/logger.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { cgroups, Workbench } from "./support/workbench.js";

let bench: Workbench;
before(async () => void (bench = await Workbench.open()));
after(() => bench.close());

/** What a sandbox has used of the processors, as the kernel counts it. */
function cpuUsage(id: string): string {
  const counts = cgroups(join(`tenki-${bench.instanceId}`, id)).flatMap((directory) => [
    ...read(join(directory, "cpuacct.usage")).split("\n", 1),
    /^usage_usec \d+/m.exec(read(join(directory, "cpu.stat")))?.[0] ?? "",
  ]);
  const count = counts.find((text) => text !== "");
  assert.ok(count !== undefined, "there is a count");
  return count;
}

const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");

const count = "n=0; while :; do n=$((n+1)); echo $n > count; done";
const startCounting = (id: string) =>
  bench.shell(
    id,
    `nohup sh -c '${count}' >/dev/null 2>&1 </dev/null & while [ ! -s count ]; do sleep 0.01; done`,
  );
const counted = async (id: string) => Number((await bench.shell(id, "cat count")).stdout);

test("everything stands still, uses no processor, and goes on where it was", async () => {
  const [id, other] = [await bench.start(), await bench.start()];
  await startCounting(id);
  assert.equal(await bench.runtime.isPaused(id), false);
  await bench.runtime.pause(id);
  assert.equal(await bench.runtime.isPaused(id), true);
  assert.equal(await bench.runtime.isRunning(id), true);
  const used = cpuUsage(id);
  await bench.shell(other, "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done");
  assert.equal(cpuUsage(id), used);
  await bench.runtime.resume(id);
  assert.equal(await bench.runtime.isPaused(id), false);
  const now = await counted(id);
  const went = await waitUntil(async () => ((await counted(id)) > now ? true : undefined), {
    timeoutMs: 10_000,
  });
  assert.equal(went, true);
  assert.notEqual(cpuUsage(id), used);
  await bench.stop(id);
  await bench.stop(other);
});

test("a second pause and a second resume change nothing", async () => {
  const id = await bench.start();
  await bench.runtime.pause(id);
  await bench.runtime.pause(id);
  assert.equal(await bench.runtime.isPaused(id), true);
  await bench.runtime.resume(id);
  await bench.runtime.resume(id);
  assert.equal(await bench.runtime.isPaused(id), false);
  assert.equal((await bench.shell(id, "echo on")).stdout, "on\n");
  await bench.stop(id);
});

test("a runtime that starts anew sees it, and lets it go on", async () => {
  const id = await bench.start();
  await bench.runtime.pause(id);
  const next = await bench.newRuntime();
  await next.sweep(new Set([id]));
  assert.equal(await next.isPaused(id), true);
  await next.resume(id);
  assert.equal((await bench.shell(id, "echo on")).stdout, "on\n");
  await bench.stop(id);
});

test("what forks all the time is stopped as a whole", async () => {
  const id = await bench.start();
  await bench.shell(
    id,
    "for i in 1 2 3 4; do (while :; do /bin/true; done) >/dev/null 2>&1 </dev/null & done",
  );
  for (let round = 0; round < 5; round += 1) {
    await bench.runtime.pause(id);
    const used = cpuUsage(id);
    assert.equal(await bench.runtime.isPaused(id), true);
    assert.equal(cpuUsage(id), used);
    await bench.runtime.resume(id);
  }
  await bench.stop(id);
});

test("stop ends what stands still, and leaves nothing", async () => {
  const before_ = await bench.traces();
  const id = await bench.start();
  await startCounting(id);
  await bench.runtime.pause(id);
  await bench.stop(id);
  assert.equal(await bench.runtime.isRunning(id), false);
  assert.equal(await bench.runtime.isPaused(id), false);
  assert.deepEqual(await bench.traces(), before_);
});

test("a sandbox that is not there cannot be paused, and is not", async () => {
  await assert.rejects(bench.runtime.pause("nowhere"), (error: TenkiError) => error.kind === "unavailable");
  assert.equal(await bench.runtime.isPaused("nowhere"), false);
});

test("without cgroups of its own nothing is paused, and the reason is said", async () => {
  const { dataDir, instanceId } = bench;
  const guestBinary = "dist/tenki-guest";
  const runtime = await createOciRuntime({
    dataDir,
    instanceId,
    guestBinary,
    limited: false,
    log: silentLogger,
  });
  await assert.rejects(runtime.pause("any"), (error: TenkiError) => {
    assert.equal(error.kind, "failed_precondition");
    assert.match(error.message, /--isolation namespaces: there is no cgroup/);
    return true;
  });
});
