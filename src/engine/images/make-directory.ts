import { mkdirSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { dirname } from "node:path";

/** Makes a directory and those above it, open to everybody whatever the process's own mask is. */
export async function makeDirectory(path: string): Promise<void> {
  // The asynchronous one says of a full disk that there is no such directory.
  const first = mkdirSync(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, 0o755);
}
