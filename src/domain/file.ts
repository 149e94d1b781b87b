/** What lies at a path inside a sandbox. */
export interface FileInfo {
  readonly path: string;
  readonly size: number;
  /** Permission bits (and setuid, setgid, sticky), without the file type. */
  readonly mode: number;
  readonly isDirectory: boolean;
  readonly isSymlink: boolean;
  readonly symlinkTarget?: string | undefined;
  readonly modifiedUnixNs: bigint;
}

/** Where file calls are rooted, and where commands start. */
export const homeDirectory = "/home/tenki";
