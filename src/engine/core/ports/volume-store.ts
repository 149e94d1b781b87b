import type { PageRequest, SessionCursor } from "./store.js";

/** A volume as the record keeps it; who has it attached is in the records of sessions. */
export interface VolumeRecord {
  readonly id: string;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly name: string;
  readonly sizeBytes: number;
  /** One that is being made is nobody's to see yet. */
  readonly state: "CREATING" | "AVAILABLE" | "DELETING";
  readonly tags: readonly string[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface VolumePage {
  readonly volumes: readonly VolumeRecord[];
  readonly next?: SessionCursor | undefined;
}

/** The record of volumes; durable when a call returns. */
export interface VolumeStore {
  insertVolume(volume: VolumeRecord): void;
  /** Replaces it as a whole; an id that is not there is `not_found`. */
  updateVolume(volume: VolumeRecord): void;
  getVolume(id: string): VolumeRecord | undefined;
  /** Newest first, without those that are being made. */
  listVolumes(page: PageRequest): VolumePage;
  /** Every one, whatever its state. */
  allVolumes(): readonly VolumeRecord[];
  /** Idempotent. */
  deleteVolume(id: string): void;
}
