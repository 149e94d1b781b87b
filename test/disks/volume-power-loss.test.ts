import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { createLoopVolumes } from "../../src/engine/disks/loop-volumes.js";
import { silentLogger } from "../../src/lib/logger.js";
import { runProcess } from "../../src/lib/process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { MiB, StorageBench } from "./support/storage-bench.js";

/** `TENKI_CUTS=200` for the long form. */
const cuts = Number(process.env["TENKI_CUTS"] ?? 8);

/** Writes a record and a file of its own, and says the number once both are synced. */
const writer = `import os, sys
log, directory, n = os.open("log", os.O_CREAT | os.O_WRONLY | os.O_APPEND), os.open(".", os.O_RDONLY), 0
while True:
    n += 1
    os.write(log, b"%08d\\n" % n)
    os.fdatasync(log)
    file = os.open("new", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.write(file, b"%d" % n * 1000)
    os.fsync(file)
    os.close(file)
    os.rename("new", "file-%d" % (n % 50))
    os.fsync(directory)
    print(n, flush=True)`;

test("what a volume's user was told to be on the medium is there, whenever the power goes", async () => {
  const bench = await StorageBench.open({ host: { fileSystem: "xfs", bytes: 1_500 * MiB } });
  const volumes = await createLoopVolumes({ dataDir: bench.dataDir, log: silentLogger });
  const place = join(bench.dataDir, "volumes");
  await volumes.make("v");
  const directory = await volumes.open("v", 256 * MiB);
  const child = spawn("python3", ["-c", writer], { cwd: directory, stdio: ["ignore", "pipe", "inherit"] });
  let acknowledged = 0;
  createInterface({ input: child.stdout }).on("line", (line) => (acknowledged = Number(line)));
  const past = (count: number) => () => (acknowledged >= count ? true : undefined);
  try {
    for (let cut = 1; cut <= cuts; cut += 1) {
      assert.ok(
        await waitUntil(past(acknowledged + 3 + (cut % 7)), { timeoutMs: 30_000 }),
        "nothing is written",
      );
      const before = acknowledged;
      await runProcess(["cp", "--reflink=always", join(place, "v.img"), join(place, "cut.img")]);
      const left = await volumes.open("cut", 256 * MiB);
      const records = readFileSync(join(left, "log"), "utf8").split("\n").filter(Boolean).map(Number);
      assert.deepEqual(
        records,
        Array.from(records, (_, index) => index + 1),
        `cut ${cut}`,
      );
      assert.ok(records.length >= before, `cut ${cut}: ${before} were told, ${records.length} are there`);
      for (let n = Math.max(1, records.length - 40); n <= before; n += 1) {
        const file = join(left, `file-${n % 50}`);
        assert.ok(existsSync(file), `cut ${cut}: file ${n}`);
        const found = readFileSync(file, "utf8");
        assert.ok(
          [n, n + 50].some((each) => found === String(each).repeat(1_000)),
          `cut ${cut}: file ${n}`,
        );
      }
      await volumes.remove("cut");
    }
  } finally {
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    await volumes.sweep(new Set(), new Set());
    await bench.close();
  }
});
