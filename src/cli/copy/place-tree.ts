import { chmod, lstat, readdir, rename, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Stats } from "node:fs";
import { TenkiError } from "../../domain/error.js";

/**
 * Moves a tree from beside its place to its place; into a directory that is there already, entry by entry.
 * What cannot be is found before anything is moved.
 */
export async function placeTree(from: string, to: string): Promise<void> {
  await refuseConflicts(from, to);
  await move(from, to);
}

async function refuseConflicts(from: string, to: string): Promise<void> {
  const [source, target] = await Promise.all([lstat(from), lstatIfThere(to)]);
  if (target === undefined || (!source.isDirectory() && !target.isDirectory())) return;
  if (!source.isDirectory()) throw conflict(`cannot replace the directory ${to} with a file`);
  if (!target.isDirectory()) throw conflict(`cannot replace ${to}, which is no directory, with a directory`);
  for (const name of await readdir(from)) await refuseConflicts(join(from, name), join(to, name));
}

async function move(from: string, to: string): Promise<void> {
  const [source, target] = await Promise.all([lstat(from), lstatIfThere(to)]);
  if (!source.isDirectory()) return rename(from, to);
  const mode = source.mode & 0o1777;
  // A directory that is moved elsewhere has to be writable itself: its `..` changes.
  if ((mode & 0o700) !== 0o700) await chmod(from, mode | 0o700);
  if (target === undefined) await rename(from, to);
  else {
    for (const name of await readdir(from)) await move(join(from, name), join(to, name));
    await rmdir(from);
  }
  await chmod(to, mode);
}

async function lstatIfThere(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}

const conflict = (message: string): TenkiError => new TenkiError("failed_precondition", message);
