import type { Readable } from "node:stream";

export interface TakenSnapshot {
  /** What is on it, whether it shares that with others or not: blocks in use, of files and of what keeps them. */
  readonly sizeBytes: number;
}

/** Disks of sessions as they were at one moment, by the snapshot's id. Each snapshot's calls come one after another. */
export interface SnapshotDisks {
  /** Undefined: snapshots can be taken here. Else why not. */
  readonly unavailable?: string | undefined;
  /** The session's processes have to stand still while one is taken: here the disk itself cannot be held. */
  readonly needsStill: boolean;
  /**
   * Keeps what is on a session's disk, all of it as at one moment, at which writers wait. What did not change since is
   * not copied where the disks can share it. A failure leaves nothing; `data_loss` where the disk is not there.
   */
  take(id: string, diskHandle: string): Promise<TakenSnapshot>;
  /** Resolves when it outlasts a loss of power. */
  persist(id: string): Promise<void>;
  /**
   * All that differs from the image below it, as a tar: a layer of an OCI image. Nothing of it is left open when it ends, is
   * destroyed, or `signal` aborts.
   */
  export(id: string, signal: AbortSignal): Promise<Readable>;
  /** Idempotent. Disks that were made from it stay. */
  remove(id: string): Promise<void>;
  /** After a restart: removes whatever of ours is of no snapshot in `keep`. */
  sweep(keep: ReadonlySet<string>): Promise<void>;
}
