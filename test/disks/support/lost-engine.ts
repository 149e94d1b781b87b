import { createLoopStorage } from "../../../src/engine/disks/loop-storage.js";
import { silentLogger } from "../../../src/lib/logger.js";
import { guestBinary } from "./storage-bench.js";

/** An engine that says `ready`, does one thing when it is told to, and is killed in the middle of it. */
const [, , dataDir = "", lower = "", operation = "", handle = ""] = process.argv;
const { disks, snapshots } = await createLoopStorage({
  ...{ dataDir, guestBinary, log: silentLogger, ready: 0 },
  imageMounts: async () => [{ target: "/", lowerDirectories: [lower] }],
});

const operations: Readonly<Record<string, () => Promise<unknown>>> = {
  take: () => snapshots.take("half", handle),
  allocate: () => disks.allocate(96 * 2 ** 20, "base"),
  remove: () => snapshots.remove("half"),
  async export() {
    for await (const _ of await snapshots.export("base", new AbortController().signal)) continue;
  },
};

process.send?.("ready");
await new Promise((resolve) => process.once("message", resolve));
await operations[operation]?.();
process.send?.("done");
