import type { Bench } from "../bench.js";
import { timeCreate } from "../in-process.js";
import type { Amount, Comparison } from "../measure.js";
import { startSnapshotPeer, timeFork, timeRestore, writersGap } from "../snapshots.js";

/** Snapshots, of a session with a gigabyte on its disk in which something writes. */
export function snapshotRows(bench: Bench): (Comparison | Amount)[] {
  const peer = bench.share(
    async () => startSnapshotPeer(await bench.client()),
    (made) => made.close(),
  );
  const create = { label: "create", run: async () => timeCreate(await bench.client()) };
  return [
    {
      name: "create from a snapshot of 1 GB to RUNNING",
      budget: 1.5,
      ours: { label: "restore", run: async () => timeRestore(await bench.client(), await peer()) },
      theirs: create,
      runs: bench.runs(21),
    },
    {
      name: "fork of a running session with 1 GB, to RUNNING",
      ours: { label: "fork", run: async () => timeFork(await peer()) },
      theirs: create,
      runs: bench.runs(11),
    },
    {
      name: "the longest that a writer inside waits while a snapshot is taken",
      unit: "ms",
      budget: 100,
      measure: async () => writersGap(await bench.client(), await peer()),
      runs: bench.runs(7),
    },
  ];
}
