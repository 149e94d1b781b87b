import { createHash } from "node:crypto";
import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { TenkiError } from "../../domain/error.js";
import { makeDirectory } from "../../lib/make-directory.js";

export interface DataDir {
  /** Without symbolic links. */
  readonly path: string;
  /** Names what of the engine lies outside the directory, so that two engines never meet. */
  readonly instanceId: string;
  /** The directories that were not there before. */
  readonly made: readonly string[];
}

/** Makes the data directory where it is missing, and refuses one that is not the engine's alone. */
export function openDataDir(asked: string, userId: number): DataDir {
  try {
    const made = makeDirectory(asked);
    const path = realpathSync(asked);
    requirePrivate(path, userId);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return { path, instanceId: instanceIdOf(path), made };
  } catch (error) {
    if (error instanceof TenkiError) throw error;
    throw new TenkiError(
      "failed_precondition",
      `cannot write to the data directory ${asked}: ${reason(error)}`,
      {
        cause: error,
        hint: "name another with --data-dir",
      },
    );
  }
}

/** Eight hex digits of the real path's hash. */
export const instanceIdOf = (realPath: string): string =>
  createHash("sha256").update(realPath).digest("hex").slice(0, 8);

function requirePrivate(path: string, userId: number): void {
  const info = statSync(path);
  if (!info.isDirectory()) throw Object.assign(new Error(`${path} is a file`), { code: "EEXIST" });
  const { mode, uid } = info;
  if (uid !== userId) {
    throw new TenkiError("failed_precondition", `the data directory ${path} belongs to another user`, {
      hint: "name one of your own with --data-dir",
    });
  }
  if ((mode & 0o077) !== 0) {
    throw new TenkiError("failed_precondition", `others can look into the data directory ${path}`, {
      hint: `chmod 700 ${path}`,
    });
  }
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const prose: Record<string, string> = {
    EACCES: "permission denied",
    EPERM: "permission denied",
    EROFS: "the file system is read-only",
    ENOSPC: "the disk is full",
    ENOTDIR: "a part of the path is no directory",
    EEXIST: "it is a file",
  };
  return prose[code ?? ""] ?? message;
}
