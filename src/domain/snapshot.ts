/** The states a snapshot can be in, by the contract's names without their prefix. */
export const snapshotStates = ["CREATING", "READY", "FAILED", "DELETING", "DELETED"] as const;

export type SnapshotState = (typeof snapshotStates)[number];

export type SnapshotType = "USER" | "PAUSE" | "TEMPLATE";

/** How many places hold it: this host's own, or a store that outlives the host. */
export type SnapshotDurability = "LOCAL_READY" | "DURABLE" | "PROPAGATION_FAILED";

/** A session's disk as it was at one moment. */
export interface Snapshot {
  readonly id: string;
  readonly sessionId: string;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly name: string;
  readonly state: SnapshotState;
  readonly type: SnapshotType;
  /** Unset until it is ready. */
  readonly durability?: SnapshotDurability | undefined;
  readonly sizeBytes: number;
  readonly compressedBytes: number;
  readonly memoryBytes: number;
  readonly baseImageId: string;
  readonly createdAt?: Date | undefined;
  /** Unset = never. */
  readonly expiresAt?: Date | undefined;
  readonly tags: readonly string[];
  readonly cpuCores: number;
  readonly memoryMb: number;
  readonly diskSizeGb: number;
  readonly rawImageAvailable: boolean;
  /** When it could be restored from. */
  readonly localReadyAt?: Date | undefined;
  /** Why it does not outlast a loss of power. */
  readonly propagationError?: string | undefined;
  /** Why it is FAILED. */
  readonly failureReason?: string | undefined;
}
