import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { failureOf, ServiceBench } from "./service-bench.js";

let bench: ServiceBench;
beforeEach(() => void (bench = new ServiceBench()));

describe("what sessions use, on the wire", () => {
  it("carries every count, and leaves out what is not known", async () => {
    const { id } = await bench.running();
    const counts = {
      cpuUsageUs: 2 ** 40,
      cpuCores: 1.5,
      memoryBytes: 3,
      memoryLimitBytes: 4,
      processes: 5,
      processLimit: 6,
      networkReceivedBytes: 7,
      networkSentBytes: 8,
    };
    bench.parts.runtime.usage.set(id, counts);
    const [sample] = (await bench.stats.getSessionStats({})).sessions;
    const { $typeName: _, name, sampledAt, ...rest } = sample ?? assert.fail();
    assert.deepEqual([name !== "", sampledAt?.seconds], [true, BigInt(bench.clock.now().getTime()) / 1_000n]);
    assert.deepEqual(rest, {
      sessionId: id,
      state: "RUNNING",
      cpuUsageUs: 2n ** 40n,
      cpuCores: 1.5,
      memoryBytes: 3n,
      memoryLimitBytes: 4n,
      processes: 5,
      processLimit: 6,
      networkReceivedBytes: 7n,
      networkSentBytes: 8n,
      diskUsedBytes: 1n,
      diskSizeBytes: 10n * 2n ** 30n,
    });
    bench.parts.runtime.usage.clear();
    const [bare] = (await bench.stats.getSessionStats({ sessionIds: [id] })).sessions;
    assert.deepEqual(
      [bare?.cpuUsageUs, bare?.processes, bare?.memoryBytes],
      [undefined, undefined, undefined],
    );
  });

  it("refuses what is no id, and what is nobody's", async () => {
    const ask = (id: string) => bench.stats.getSessionStats({ sessionIds: [id] });
    assert.equal((await failureOf(ask("demo"))).code, Code.InvalidArgument);
    assert.equal((await failureOf(ask("00000000-0000-4000-8000-000000000000"))).code, Code.NotFound);
  });
});
