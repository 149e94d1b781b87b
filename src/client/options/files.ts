export interface ReadStreamOptions {
  readonly offset?: bigint | number | undefined;
  /** Default 0 = to the end. */
  readonly length?: bigint | number | undefined;
  readonly chunkBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteStreamOptions {
  /** Permission bits. Default: what the file has, 0644 for a new one. */
  readonly mode?: number | undefined;
  /** Default true: the file is replaced as a whole; false appends. */
  readonly truncate?: boolean | undefined;
  /** Also flush it to the disk. */
  readonly sync?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface MkdirOptions {
  /** Default 0 = 0755. */
  readonly mode?: number | undefined;
  /** Default true: makes the parents too, and does not mind that it is there. */
  readonly recursive?: boolean | undefined;
}

export interface RemoveOptions {
  /** Default true. */
  readonly recursive?: boolean | undefined;
}

export interface ListFilesOptions {
  /** Default false. */
  readonly includeHidden?: boolean | undefined;
}
