import type { MessageInitShape } from "@bufbuild/protobuf";
import type { SessionState } from "../../../domain/session.js";
import {
  type SandboxSessionSchema,
  SessionState as WireSessionState,
} from "../../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { pauseSnapshotOf } from "../../core/snapshots/pause-snapshot.js";
import type { SessionRecord } from "../../core/ports/store.js";
import { defined } from "./defined.js";
import { toWireSnapshot } from "./snapshot.js";
import { durationFromMs, toTimestamp } from "./time.js";

/** A session for the wire; what only the engine knows of it stays here. */
export function toWireSession(session: SessionRecord): MessageInitShape<typeof SandboxSessionSchema> {
  const { pauseRetentionMs } = session;
  const pauseSnapshot = pauseSnapshotOf(session);
  return {
    id: session.id,
    name: session.name,
    state: WireSessionState[session.state],
    ownerType: session.ownerType,
    ownerId: session.ownerId,
    workspaceId: session.workspaceId,
    projectId: session.projectId,
    inboundEnabled: session.allowInbound,
    outboundEnabled: session.allowOutbound,
    cpuCores: session.cpuCores,
    memoryMb: session.memoryMb,
    diskSizeGb: session.diskSizeGb,
    sticky: session.sticky,
    tags: [...session.tags],
    metadata: { ...session.metadata },
    volumeAttachments: session.volumes.map((volume) => ({ ...volume })),
    lastResumeError: session.lastResumeError ?? "",
    terminalError: session.terminalError ?? "",
    ...defined({
      createdAt: toTimestamp(session.createdAt),
      readyAt: toTimestamp(session.readyAt),
      terminatedAt: toTimestamp(session.terminatedAt),
      timeoutAt: toTimestamp(session.timeoutAt),
      lastActivityAt: toTimestamp(session.lastActivityAt),
      pausedAt: toTimestamp(session.pausedAt),
      pauseExpiresAt: toTimestamp(session.pauseExpiresAt),
      idleTimeoutMinutes: session.idleTimeoutMinutes,
      pauseRetention: pauseRetentionMs === undefined ? undefined : durationFromMs(pauseRetentionMs),
      snapshotId: session.snapshotId,
      pauseSnapshotId: pauseSnapshot?.id,
      pauseSnapshot: pauseSnapshot && toWireSnapshot(pauseSnapshot),
      sourceSnapshotId: session.sourceSnapshotId,
      sourceTemplateId: session.sourceTemplateId,
      sourceRegistryRef: session.sourceRegistryRef,
    }),
  };
}

/** Undefined where a request does not say. */
export function fromWireState(state: WireSessionState): SessionState | undefined {
  return state === WireSessionState.UNSPECIFIED
    ? undefined
    : (WireSessionState[state] as SessionState | undefined);
}
