import type { SessionInfo, SessionState, VolumeAttachment } from "../../domain/session.js";
import type {
  SandboxSession,
  SessionState as WireState,
  VolumeAttachment as WireAttachment,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { SandboxError } from "../errors.js";
import { snapshotFromWire } from "./snapshot.js";
import { dateFromWire, millisFromWire } from "./time.js";

export function sessionFromWire(wire: SandboxSession | undefined): SessionInfo {
  if (wire === undefined) throw new SandboxError("internal", "the service answered without the session");
  return {
    id: wire.id,
    name: wire.name,
    state: states[wire.state] ?? "CREATING",
    ownerType: wire.ownerType,
    ownerId: wire.ownerId,
    workspaceId: wire.workspaceId,
    projectId: wire.projectId,
    createdAt: dateFromWire(wire.createdAt) ?? new Date(0),
    readyAt: dateFromWire(wire.readyAt),
    terminatedAt: dateFromWire(wire.terminatedAt),
    timeoutAt: dateFromWire(wire.timeoutAt),
    lastActivityAt: dateFromWire(wire.lastActivityAt),
    pausedAt: dateFromWire(wire.pausedAt),
    pauseExpiresAt: dateFromWire(wire.pauseExpiresAt),
    allowInbound: wire.inboundEnabled,
    allowOutbound: wire.outboundEnabled,
    cpuCores: wire.cpuCores,
    memoryMb: wire.memoryMb,
    diskSizeGb: wire.diskSizeGb,
    sticky: wire.sticky,
    tags: wire.tags,
    metadata: wire.metadata,
    volumes: wire.volumeAttachments.map(attachmentFromWire),
    idleTimeoutMinutes: wire.idleTimeoutMinutes,
    pauseRetentionMs: millisFromWire(wire.pauseRetention),
    snapshotId: filled(wire.snapshotId),
    pauseSnapshotId: filled(wire.pauseSnapshotId),
    pauseSnapshot: wire.pauseSnapshot && snapshotFromWire(wire.pauseSnapshot),
    sourceSnapshotId: filled(wire.sourceSnapshotId),
    sourceTemplateId: filled(wire.sourceTemplateId),
    sourceRegistryRef: filled(wire.sourceRegistryRef),
    lastResumeError: filled(wire.lastResumeError),
    terminalError: filled(wire.terminalError),
  };
}

export function attachmentFromWire(wire: WireAttachment): VolumeAttachment {
  const { id, volumeId, sessionId, mountPath, readonly, state } = wire;
  return { id, volumeId, sessionId, mountPath, readonly, state };
}

/** Undefined stands for every state. */
export const stateToWire = (state: SessionState | undefined): WireState =>
  state === undefined ? 0 : wireStates[state];

/** By number: the generated code that knows the names is slow to load, and not loaded here. */
const wireStates: Readonly<Record<SessionState, WireState>> = {
  CREATING: 1,
  RUNNING: 3,
  PAUSED: 4,
  TERMINATING: 5,
  TERMINATED: 6,
  PAUSING: 7,
  RESUMING: 8,
  USER_SHUTDOWN: 9,
};

const states = Object.fromEntries(
  Object.entries(wireStates).map(([state, number]) => [number, state]),
) as Readonly<Record<number, SessionState>>;

const filled = (text: string | undefined): string | undefined => (text === "" ? undefined : text);
