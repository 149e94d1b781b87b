import type { ServiceImpl } from "@connectrpc/connect";
import type { MemorySnapshotService } from "../../gen/tenki/engine/v1/memory_snapshot_pb.js";
import type { Runtime } from "../core/ports/runtime.js";

/** Whether snapshots can hold processes: beyond the contract. */
export const memorySnapshotMethods = (runtime: Pick<Runtime, "memoryObstacles">) =>
  ({
    async getMemorySnapshotSupport() {
      return { obstacles: [...(await runtime.memoryObstacles())] };
    },
  }) satisfies ServiceImpl<typeof MemorySnapshotService>;
