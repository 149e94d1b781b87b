import type { Snapshot } from "../../../domain/snapshot.js";
import type { SessionRecord } from "../ports/store.js";

/** The disk of a paused session, as the snapshot that it is; undefined where there is none. */
export function pauseSnapshotOf(session: SessionRecord): Snapshot | undefined {
  const { pauseSnapshotId, pauseSnapshotBytes = 0, pausedAt, pauseExpiresAt } = session;
  if (session.state !== "PAUSED" || pauseSnapshotId === undefined || pausedAt === undefined) return undefined;
  return {
    id: pauseSnapshotId,
    sessionId: session.id,
    workspaceId: session.workspaceId,
    projectId: session.projectId,
    name: "",
    state: "READY",
    type: "PAUSE",
    durability: "DURABLE",
    sizeBytes: pauseSnapshotBytes,
    compressedBytes: 0,
    memoryBytes: 0,
    baseImageId: session.image,
    createdAt: pausedAt,
    expiresAt: pauseExpiresAt,
    tags: [],
    cpuCores: session.cpuCores,
    memoryMb: session.memoryMb,
    diskSizeGb: session.diskSizeGb,
    rawImageAvailable: false,
    localReadyAt: pausedAt,
  };
}

/** A session that is paused no more has none. */
export const withoutPauseSnapshot = { pauseSnapshotId: undefined, pauseSnapshotBytes: undefined };
