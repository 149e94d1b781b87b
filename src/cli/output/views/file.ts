import { basename } from "node:path";
import type { FileInfo } from "../../../domain/file.js";
import { type Column, column, type Fields, listView, objectView, type View } from "../view.js";

/** A file, directory or link inside a session. */
function fileFields(info: FileInfo): Fields {
  return {
    path: info.path,
    name: basename(info.path),
    type: fileType(info),
    size: info.size,
    mode: info.mode.toString(8).padStart(4, "0"),
    modified_at: new Date(Number(info.modifiedUnixNs / 1_000_000n)),
    symlink_target: info.symlinkTarget ?? null,
  };
}

export const fileView = (info: FileInfo): View => objectView(fileFields(info));

export const filesView = (infos: readonly FileInfo[]): View => listView(infos.map(fileFields), columns);

const columns: readonly Column[] = [
  column("MODE", "mode"),
  column("TYPE", "type"),
  column("SIZE", "size"),
  column("MODIFIED", "modified_at"),
  column("NAME", "name"),
];

function fileType({ isDirectory, isSymlink }: FileInfo): string {
  if (isSymlink) return "symlink";
  return isDirectory ? "directory" : "file";
}
