import { existsSync, mkdirSync, rmdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a directory and those above it, private to their owner, and names those that were not there, the
 * outermost first. As `recursive` does it, which never ends where the kernel has no place for a directory:
 * below /proc.
 */
export function makeDirectory(path: string): string[] {
  if (existsSync(path)) return [];
  const parent = dirname(path);
  const above = parent === path ? [] : makeDirectory(parent);
  mkdirSync(path, { mode: 0o700 });
  return [...above, path];
}

/** Takes away what `makeDirectory` made, as far as nothing has come to lie in it. */
export function unmakeDirectories(made: readonly string[]): void {
  try {
    for (const path of made.toReversed()) rmdirSync(path);
  } catch {
    // somebody uses it by now
  }
}
