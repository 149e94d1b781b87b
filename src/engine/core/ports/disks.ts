import type { DiskUsage } from "../../../domain/session-stats.js";

export interface Disk {
  /** The adapter's own name for it; what the record keeps. */
  readonly handle: string;
  /** A mounted directory that holds at most the size asked for: empty, unless it was made from a snapshot. */
  readonly directory: string;
}

/** Writable storage with a bound that holds. */
export interface Disks {
  /**
   * `fromSnapshotId`: it starts as a copy of what is on that one, and is never smaller. Default: empty. A failure
   * leaves nothing; `data_loss` where the snapshot is not there.
   */
  allocate(sizeBytes: number, fromSnapshotId?: string): Promise<Disk>;
  /** Refuses where they have no room for more, and says what to free. */
  requireRoom(): Promise<void>;
  /** There is so little room left that what was taken may be lost on its way there, unless it is synced. */
  isShort(): Promise<boolean>;
  /** Resolves when all that was written to it outlasts a loss of power. */
  persist(handle: string): Promise<void>;
  /** Opens one that was kept, after a restart of the machine too, checked where it was not closed properly. Idempotent. */
  reopen(handle: string): Promise<Disk>;
  /** How full it is; undefined where it has no bound of its own, or is not there. */
  usage(handle: string): Promise<DiskUsage | undefined>;
  /** Idempotent; unmounts and deletes. */
  release(handle: string): Promise<void>;
  /** After a restart: removes whatever of ours belongs to no handle in `keep`. */
  sweep(keep: ReadonlySet<string>): Promise<void>;
  /** Gives up what was kept ready; allocated disks stay as they are. */
  close(): Promise<void>;
}
