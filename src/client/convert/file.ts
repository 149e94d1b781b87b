import { posix } from "node:path";
import type { FileInfo } from "../../domain/file.js";
import type { ListEntry, StatResponse } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";

const permissionBits = 0o7777;
const typeBits = 0o170000;
const symlinkType = 0o120000;

/** Undefined where nothing is at that path. */
export function fileFromWire(path: string, wire: StatResponse | undefined): FileInfo | undefined {
  if (wire?.exists !== true) return undefined;
  return {
    path,
    size: Number(wire.size),
    mode: wire.mode & permissionBits,
    isDirectory: wire.isDir,
    isSymlink: wire.isSymlink,
    symlinkTarget: wire.symlinkTarget === "" ? undefined : wire.symlinkTarget,
    modifiedUnixNs: wire.modifiedUnixNs,
  };
}

export function entryFromWire(directory: string, wire: ListEntry): FileInfo {
  return {
    path: posix.join(directory, wire.name),
    size: Number(wire.size),
    mode: wire.mode & permissionBits,
    isDirectory: wire.isDir,
    isSymlink: (wire.mode & typeBits) === symlinkType, // a listing has no field of its own for it
    modifiedUnixNs: wire.modifiedUnixNs,
  };
}
