import type { Readable } from "node:stream";

export interface TakenSnapshot {
  /** What is on it, whether it shares that with others or not. */
  readonly sizeBytes: number;
}

/** Disks of sessions as they were at one moment, by the snapshot's id. Each snapshot's calls come one after another. */
export interface SnapshotDisks {
  /** Undefined: snapshots can be taken here. Else why not. */
  readonly unavailable?: string | undefined;
  /**
   * Keeps what is on a session's disk, all of it as at one moment, at which writers wait. What did not change since is
   * not copied where the disks can share it. A failure leaves nothing.
   */
  take(id: string, diskHandle: string): Promise<TakenSnapshot>;
  /** Resolves when it outlasts a loss of power. */
  persist(id: string): Promise<void>;
  /** All that differs from the image below it, as a tar: a layer of an OCI image. Ends when `signal` aborts. */
  export(id: string, signal: AbortSignal): Promise<Readable>;
  /** Idempotent. Disks that were made from it stay. */
  remove(id: string): Promise<void>;
  /** After a restart: removes whatever of ours is of no snapshot in `keep`. */
  sweep(keep: ReadonlySet<string>): Promise<void>;
}
