import type { Snapshot } from "./snapshot.js";

/** The states a session can be in, by the contract's names without their prefix. */
export const sessionStates = [
  "CREATING",
  "RUNNING",
  "PAUSING",
  "PAUSED",
  "RESUMING",
  "TERMINATING",
  "TERMINATED",
  "USER_SHUTDOWN",
] as const;

export type SessionState = (typeof sessionStates)[number];

export interface VolumeAttachment {
  readonly id: string;
  readonly volumeId: string;
  readonly sessionId: string;
  readonly mountPath: string;
  readonly readonly: boolean;
  readonly state: string;
}

/** What a session is to everybody but the wire and the eye. */
export interface SessionInfo {
  readonly id: string;
  readonly name: string;
  readonly state: SessionState;
  readonly ownerType: string;
  readonly ownerId: string;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly createdAt: Date;
  readonly readyAt?: Date | undefined;
  readonly terminatedAt?: Date | undefined;
  /** When max_duration ends it; unset = never. */
  readonly timeoutAt?: Date | undefined;
  readonly lastActivityAt?: Date | undefined;
  readonly pausedAt?: Date | undefined;
  readonly pauseExpiresAt?: Date | undefined;
  readonly allowInbound: boolean;
  readonly allowOutbound: boolean;
  readonly cpuCores: number;
  readonly memoryMb: number;
  readonly diskSizeGb: number;
  readonly sticky: boolean;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly volumes: readonly VolumeAttachment[];
  /** 0 = never; unset = the service's default. */
  readonly idleTimeoutMinutes?: number | undefined;
  readonly pauseRetentionMs?: number | undefined;
  readonly snapshotId?: string | undefined;
  readonly pauseSnapshotId?: string | undefined;
  /** The disk that a paused session is kept with; where the service tells of it. */
  readonly pauseSnapshot?: Snapshot | undefined;
  readonly sourceSnapshotId?: string | undefined;
  readonly sourceTemplateId?: string | undefined;
  readonly sourceRegistryRef?: string | undefined;
  readonly lastResumeError?: string | undefined;
  /** Why it ended, where it did not end by request. */
  readonly terminalError?: string | undefined;
}

export const isTerminal = (state: SessionState): boolean => state === "TERMINATING" || state === "TERMINATED";
