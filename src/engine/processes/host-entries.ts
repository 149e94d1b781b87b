import { lstat, readdir, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import type { FileInfo } from "../../domain/file.js";

/** What lies at a path of the host, under the name that callers know it by. */
export async function describeEntry(target: string, path: string): Promise<FileInfo> {
  const info = await lstat(target, { bigint: true });
  return {
    path,
    size: Number(info.size),
    mode: Number(info.mode & 0o7777n),
    isDirectory: info.isDirectory(),
    isSymlink: info.isSymbolicLink(),
    symlinkTarget: info.isSymbolicLink() ? await readlink(target) : undefined,
    modifiedUnixNs: info.mtimeNs,
  };
}

/** Resolves with how many entries that were. */
export async function removeEntries(target: string, recursive: boolean): Promise<number> {
  const isDirectory = (await lstat(target)).isDirectory();
  const inside = isDirectory ? await readdir(target, { recursive: true }) : [];
  if (inside.length > 0 && !recursive) {
    throw Object.assign(new Error(`directory not empty: ${join(target)}`), { code: "ENOTEMPTY" });
  }
  await rm(target, { recursive: isDirectory });
  return inside.length + 1;
}
