import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { runProcess } from "../../src/lib/process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { SnapshotBench } from "./support/snapshot-bench.js";

/** `TENKI_SNAPSHOT_CYCLES=300 npm test -- snapshot-cycles` for a long run. */
const cycles = Number(process.env["TENKI_SNAPSHOT_CYCLES"] ?? 12);
const atOnce = 4;
/** What a file system keeps for itself after so much coming and going. */
const toleranceBytes = 32 * 2 ** 20;

describe(`${cycles} sessions, made of a snapshot and terminated`, () => {
  let bench: SnapshotBench;
  before(async () => {
    bench = await SnapshotBench.open();
    await bench.session("original", "--memory-mb", "256");
    await bench.shell("original", "head -c 30000000 /dev/urandom > data; sha256sum data > sum");
    await bench.snapshot("create", "original", "--name", "base", "--wait-durable");
    for (let warm = 0; warm < 2; warm += 1) await cycle(`warm-${warm}`);
  });
  after(() => bench.tenki.close());

  /** Each writes more than the whole of them may leave behind. */
  async function cycle(name: string): Promise<void> {
    const { id } = await bench.restore("base", name);
    const line = "sha256sum -c sum && head -c 40000000 /dev/zero | tr '\\\\0' x > more && sync";
    assert.equal(await bench.shell(id, line), "data: OK\n");
    await bench.end(id);
  }
  const usedBytes = async () =>
    Number((await runProcess(["du", "-s", "-x", "-B1", bench.tenki.dataDir])).split("\t")[0]);

  it("leave the disk as full as it was", async () => {
    const atFirst = await usedBytes();
    for (let done = 0; done < cycles; done += atOnce) {
      const names = Array.from({ length: Math.min(atOnce, cycles - done) }, (_, at) => `cycle-${done + at}`);
      await Promise.all(names.map((name) => cycle(name)));
    }
    let last = 0;
    const back = await waitUntil(
      async () => ((last = await usedBytes()) <= atFirst + toleranceBytes ? true : undefined),
      { timeoutMs: 30_000 },
    );
    assert.equal(back, true, `${atFirst} bytes before, ${last} after`);
    assert.equal((await bench.tenki.json<unknown[]>(["sandbox", "list"])).length, 1);
    assert.equal(bench.left("snapshots").length, 1);
  });
});
