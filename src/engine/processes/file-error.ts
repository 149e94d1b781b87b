import { type ErrorKind, TenkiError } from "../../domain/error.js";
import { namePath } from "../../domain/name-path.js";

const kinds: Readonly<Record<string, readonly [ErrorKind, string]>> = {
  ENOENT: ["not_found", "no such file or directory"],
  EACCES: ["permission_denied", "permission denied"],
  EPERM: ["permission_denied", "operation not permitted"],
  EROFS: ["permission_denied", "read-only file system"],
  EEXIST: ["already_exists", "file exists"],
  EISDIR: ["failed_precondition", "is a directory"],
  ENOTDIR: ["failed_precondition", "not a directory"],
  ENOTEMPTY: ["failed_precondition", "directory not empty"],
  ELOOP: ["failed_precondition", "too many levels of symbolic links"],
  ENAMETOOLONG: ["invalid_argument", "file name too long"],
  ENOSPC: ["resource_exhausted", "no space left on the disk"],
};

/** What the host said about a file, in the words that every sandbox uses. */
export function asFileError(error: unknown, path: string): unknown {
  const { code = "" } = error as NodeJS.ErrnoException;
  const known = kinds[code];
  if (known === undefined) return error;
  const [kind, text] = known;
  return new TenkiError(kind, namePath(text, path), { cause: error });
}
