import type { VolumeAttachment } from "./session.js";

/** The states a volume can be in, by the contract's names without their prefix. */
export const volumeStates = ["AVAILABLE", "IN_USE", "DELETING", "DELETED"] as const;

export type VolumeState = (typeof volumeStates)[number];

/** A disk that outlives sessions. */
export interface Volume {
  readonly id: string;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly state: VolumeState;
  readonly createdAt?: Date | undefined;
  readonly updatedAt?: Date | undefined;
  readonly tags: readonly string[];
  /** Unset where a list does not say. */
  readonly activeAttachments?: readonly VolumeAttachment[] | undefined;
}
