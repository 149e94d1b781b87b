import type { FileInfo } from "../../../domain/file.js";
import type { PayloadReader } from "./payload.js";

const typeMask = 0o170000;
const directoryType = 0o040000;
const symlinkType = 0o120000;

/** What the guest tells of one file. */
export function readFileInfo(reader: PayloadReader, path: string): FileInfo {
  const size = reader.u64();
  const mode = reader.u32();
  const modifiedUnixNs = reader.i64();
  const target = reader.string();
  const type = mode & typeMask;
  return {
    path,
    size,
    mode: mode & 0o7777,
    isDirectory: type === directoryType,
    isSymlink: type === symlinkType,
    ...(type === symlinkType ? { symlinkTarget: target } : {}),
    modifiedUnixNs,
  };
}
