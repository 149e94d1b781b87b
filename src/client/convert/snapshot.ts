import type { Snapshot, SnapshotDurability, SnapshotState, SnapshotType } from "../../domain/snapshot.js";
import type {
  Snapshot as WireSnapshot,
  SnapshotDurabilityState as WireDurability,
  SnapshotState as WireState,
  SnapshotType as WireType,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { SandboxError } from "../errors.js";
import { dateFromWire } from "./time.js";

export function snapshotFromWire(wire: WireSnapshot | undefined): Snapshot {
  if (wire === undefined) throw new SandboxError("internal", "the service answered without the snapshot");
  return {
    id: wire.id,
    sessionId: wire.sessionId,
    workspaceId: wire.workspaceId ?? "",
    projectId: wire.projectId,
    name: wire.name ?? "",
    state: states[wire.state],
    type: types[wire.type],
    durability: durabilities[wire.durabilityState],
    sizeBytes: Number(wire.sizeBytes),
    compressedBytes: Number(wire.compressedBytes),
    memoryBytes: Number(wire.memoryBytes),
    baseImageId: wire.baseImageId,
    createdAt: dateFromWire(wire.createdAt),
    expiresAt: dateFromWire(wire.expiresAt),
    tags: wire.tags,
    cpuCores: wire.cpuCores,
    memoryMb: wire.memoryMb,
    diskSizeGb: wire.diskSizeGb,
    rawImageAvailable: wire.rawImageAvailable,
    localReadyAt: dateFromWire(wire.localReadyAt),
    propagationError: wire.propagationError === "" ? undefined : wire.propagationError,
    failureReason: wire.failureReason === "" ? undefined : wire.failureReason,
  };
}

/** By number: the generated code that knows the names is slow to load, and not loaded here. */
const states: Readonly<Record<WireState, SnapshotState>> = {
  0: "CREATING",
  1: "CREATING",
  2: "READY",
  3: "FAILED",
  4: "DELETING",
  5: "DELETED",
};

const types: Readonly<Record<WireType, SnapshotType>> = { 0: "USER", 1: "USER", 2: "PAUSE", 3: "TEMPLATE" };

const durabilities: Readonly<Record<WireDurability, SnapshotDurability | undefined>> = {
  0: undefined,
  1: "LOCAL_READY",
  2: "DURABLE",
  3: "PROPAGATION_FAILED",
  4: "DURABLE",
};
