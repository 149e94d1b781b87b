import assert from "node:assert/strict";
import { it } from "node:test";
import { ServiceBench } from "./service-bench.js";

it("what stands in the way of memory in snapshots is told as it is at the time", async () => {
  const bench = new ServiceBench();
  for (const obstacles of [["one", "another"], []]) {
    bench.parts.runtime.obstacles = obstacles;
    assert.deepEqual((await bench.memorySnapshots.getMemorySnapshotSupport({})).obstacles, obstacles);
  }
});
