import { type ErrorKind, TenkiError } from "../domain/error.js";

const known: Readonly<Record<string, readonly [kind: ErrorKind, reason: string]>> = {
  ENOENT: ["not_found", "no such file or directory"],
  EACCES: ["permission_denied", "permission denied"],
  EPERM: ["permission_denied", "not permitted"],
  EISDIR: ["failed_precondition", "it is a directory"],
  ENOTDIR: ["failed_precondition", "a part of its path is not a directory"],
  ENOSPC: ["resource_exhausted", "no space left on the disk"],
  EROFS: ["failed_precondition", "the file system is read-only"],
};

/** What is wrong with a file on this side, in the words that a file inside a session would get. */
export function localFileError(path: string, cause: unknown): TenkiError {
  const { code = "", message } = cause as NodeJS.ErrnoException;
  const [kind, reason] = known[code] ?? (["internal", message] as const);
  return new TenkiError(kind, `cannot use ${path}: ${reason}`, { cause });
}
