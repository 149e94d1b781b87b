/** Where the data of volumes lie: one disk for each, by the volume's id. Each volume's calls come one after another. */
export interface VolumeDisks {
  /** Undefined: there are volumes here. Else why there are none. */
  readonly unavailable?: string | undefined;
  /** Refuses where they have no room for more, and says what to free. */
  requireRoom(): Promise<void>;
  /** An empty one, owned by the sandbox's user; outlasts a loss of power when it resolves. A failure leaves nothing. */
  make(id: string): Promise<void>;
  /**
   * Mounts it, checked and mended where it was not closed properly, and holds it to its size, which replaces the one
   * it was held to. Idempotent. Resolves with a directory of the host's, for a sandbox to be given.
   */
  open(id: string, sizeBytes: number): Promise<string>;
  /** What was written to it outlasts a loss of power. */
  persist(id: string): Promise<void>;
  /** How much is on it, as long as it is open; undefined where nobody counts. */
  usedBytes(id: string): Promise<number | undefined>;
  /** Writes out and unmounts. Idempotent. */
  close(id: string): Promise<void>;
  /** Idempotent; closes and deletes. `failed_precondition` where something outside of the engine still uses it. */
  remove(id: string): Promise<void>;
  /** After a restart: removes whatever of ours is of no volume in `keep`, and closes what is not in `open`. */
  sweep(keep: ReadonlySet<string>, open: ReadonlySet<string>): Promise<void>;
}
