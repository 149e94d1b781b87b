export interface Disk {
  /** The adapter's own name for it; what the record keeps. */
  readonly handle: string;
  /** A mounted, empty directory that holds at most the size asked for. */
  readonly directory: string;
}

/** Writable storage with a bound that holds. */
export interface Disks {
  allocate(sizeBytes: number): Promise<Disk>;
  /** Idempotent; unmounts and deletes. */
  release(handle: string): Promise<void>;
  /** After a restart: removes whatever of ours belongs to no handle in `keep`. */
  sweep(keep: ReadonlySet<string>): Promise<void>;
  /** Gives up what was kept ready; allocated disks stay as they are. */
  close(): Promise<void>;
}
