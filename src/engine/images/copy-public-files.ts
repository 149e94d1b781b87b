import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { runProcess } from "../../lib/process.js";
import { isRootless } from "../rootless/is-rootless.js";
import { systemEnvironment } from "../../lib/system-environment.js";

/** For everybody: a file to read; a directory to list and enter. */
const readableFile = 0o004;
const openDirectory = 0o005;

/** Keeps one command's arguments far below what the kernel takes. */
const filesAtOnce = 1_000;

/**
 * Copies files and links at or below `paths` from one directory to another, with owners, modes, and the
 * directories on their way. What not everybody may read is a secret, and stays behind; so does what is
 * refused, and what is neither file, directory nor link. A path that is not there is passed over.
 */
export async function copyPublicFiles(
  from: string,
  to: string,
  paths: readonly string[],
  refused: readonly string[] = [],
): Promise<void> {
  const found = await Promise.all(paths.map((path) => publicFiles(from, path, refused)));
  const files = found.flat();
  // By cp, as Node knows no extended attributes, and takes ten times as long. Without root, owners cannot be kept.
  const how = isRootless() ? ["--archive", "--no-preserve=ownership"] : ["--archive"];
  for (let start = 0; start < files.length; start += filesAtOnce) {
    const some = files.slice(start, start + filesAtOnce);
    const argv = ["cp", ...how, "--no-dereference", "--parents", "--target-directory", to, "--", ...some];
    await runProcess(argv, { cwd: from, env: { ...systemEnvironment } });
  }
}

async function publicFiles(root: string, path: string, refused: readonly string[]): Promise<string[]> {
  if (refused.includes(path)) return [];
  const found = await lstat(join(root, path)).catch(() => undefined);
  if (found === undefined) return [];
  if (found.isSymbolicLink() || (found.isFile() && (found.mode & readableFile) !== 0)) return [path];
  if (!found.isDirectory() || (found.mode & openDirectory) !== openDirectory) return [];
  const names = await readdir(join(root, path));
  const below = await Promise.all(names.map((name) => publicFiles(root, join(path, name), refused)));
  return below.flat();
}
