import { posix } from "node:path";
import { homeDirectory } from "../../../domain/file.js";
import { TenkiError } from "../../../domain/error.js";
import { namePath } from "../../../domain/name-path.js";

/** A path as a caller names it → an absolute one below the home directory; what leads outside is refused by name. */
export function resolveGuestPath(path: string): string {
  if (path.includes("\0")) throw new TenkiError("invalid_argument", "a path cannot hold a NUL byte");
  const absolute = posix.resolve(homeDirectory, path);
  if (absolute === homeDirectory || absolute.startsWith(`${homeDirectory}/`)) return absolute;
  throw new TenkiError("permission_denied", namePath(`path is outside ${homeDirectory}`, path));
}

/** As `resolveGuestPath`, for what may not be the home directory itself. */
export function resolvePathBelowHome(path: string): string {
  const absolute = resolveGuestPath(path);
  if (absolute !== homeDirectory) return absolute;
  throw new TenkiError("permission_denied", `${homeDirectory} itself cannot be replaced or removed`);
}

/** Where a command starts: an absolute path as it is, a relative one below the home directory. */
export const resolveWorkingDirectory = (cwd: string): string => posix.resolve(homeDirectory, cwd);
