import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Snapshot } from "../../../domain/snapshot.js";
import {
  SnapshotDurabilityState,
  type SnapshotSchema,
  SnapshotState,
  SnapshotType,
} from "../../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { defined } from "./defined.js";
import { toTimestamp } from "./time.js";

/** A session says nothing of its image where it is the default one; who looks at a snapshot wants its name. */
const defaultImage = "sandbox";

export function toWireSnapshot(snapshot: Snapshot): MessageInitShape<typeof SnapshotSchema> {
  const { durability } = snapshot;
  return {
    id: snapshot.id,
    sessionId: snapshot.sessionId,
    workspaceId: snapshot.workspaceId,
    projectId: snapshot.projectId,
    state: SnapshotState[snapshot.state],
    type: SnapshotType[snapshot.type],
    durabilityState:
      durability === undefined ? SnapshotDurabilityState.UNSPECIFIED : SnapshotDurabilityState[durability],
    sizeBytes: BigInt(snapshot.sizeBytes),
    compressedBytes: BigInt(snapshot.compressedBytes),
    memoryBytes: BigInt(snapshot.memoryBytes),
    baseImageId: snapshot.baseImageId || defaultImage,
    tags: [...snapshot.tags],
    cpuCores: snapshot.cpuCores,
    memoryMb: snapshot.memoryMb,
    diskSizeGb: snapshot.diskSizeGb,
    rawImageAvailable: snapshot.rawImageAvailable,
    failureReason: snapshot.failureReason ?? "",
    propagationError: snapshot.propagationError ?? "",
    ...defined({
      name: snapshot.name || undefined,
      createdAt: toTimestamp(snapshot.createdAt),
      expiresAt: toTimestamp(snapshot.expiresAt),
      localReadyAt: toTimestamp(snapshot.localReadyAt),
    }),
  };
}
