import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { tryProcess } from "../../src/lib/process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { MiB, StorageBench } from "./support/storage-bench.js";

/** `TENKI_KILLS=20` for the long form. */
const kills = Number(process.env["TENKI_KILLS"] ?? 4);
const program = fileURLToPath(new URL("support/lost-engine.js", import.meta.url));

/** Begins the operation in another process; kills that `afterMs` later, or waits for its end; how long it took. */
async function lose(arguments_: string[], afterMs?: number): Promise<number> {
  const engine = fork(program, arguments_);
  const exited = once(engine, "exit");
  await once(engine, "message");
  const since = performance.now();
  engine.send("go");
  if (afterMs === undefined) await once(engine, "message");
  else {
    const timer = setTimeout(() => engine.kill("SIGKILL"), afterMs);
    await exited;
    clearTimeout(timer);
  }
  const took = performance.now() - since;
  engine.kill("SIGKILL");
  await exited;
  return took;
}

for (const operation of ["take", "allocate", "remove", "export"]) {
  test(`an engine that is killed in the middle of ${operation} loses nothing and leaves nothing`, async () => {
    const bench = await StorageBench.open();
    const first = await bench.start();
    const { handle, directory } = await first.disks.allocate(64 * MiB);
    mkdirSync(join(directory, "root"));
    writeFileSync(join(directory, "root/file"), Buffer.alloc(4 * MiB, "x"));
    await first.snapshots.take("base", handle);
    const lower = join(bench.host, "../lower");
    let longest = 0;
    for (let round = 0; round <= kills; round += 1) {
      if (operation === "remove") await first.snapshots.take("half", handle);
      // The first goes through, and says how long that takes; the others are spread over it.
      const after = round === 0 ? undefined : (longest * round) / kills;
      const took = await lose([bench.dataDir, lower, operation, handle], after);
      if (round === 0) longest = took;
      const next = await bench.start();
      await next.disks.sweep(new Set([handle]));
      await next.snapshots.sweep(new Set(["base"]));
      const place = `killed after ${after ?? "its end"} ms`;
      assert.deepEqual(bench.images("disks"), [`${handle}.img`], place);
      assert.deepEqual(bench.images("snapshots"), ["base.img"], place);
      const mounted = async () => (await bench.mounts()).length;
      await waitUntil(async () => ((await mounted()) === 2 ? true : undefined), { timeoutMs: 10_000 });
      assert.deepEqual((await bench.mounts()).sort(), [directory, join(bench.dataDir, "pool")].sort(), place);
      await waitUntil(() => (bench.loops().length === 2 ? true : undefined), { timeoutMs: 10_000 });
      assert.equal(bench.loops().length, 2, place);
      const write = ["timeout", "--signal=KILL", "10", "touch", join(directory, "written")];
      assert.equal((await tryProcess(write)).exitCode, 0, `somebody waits: ${place}`);
      const copy = await next.disks.allocate(64 * MiB, "base");
      assert.deepEqual(readFileSync(join(copy.directory, "root/file")), Buffer.alloc(4 * MiB, "x"), place);
      await next.disks.release(copy.handle);
    }
    assert.deepEqual(
      readdirSync(bench.dataDir).filter((name) => name.endsWith(".new")),
      [],
    );
    await bench.close();
  });
}
