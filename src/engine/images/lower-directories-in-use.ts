import { readdir, readFile, readlink } from "node:fs/promises";
import { parseMountInfo } from "../../lib/mount-table.js";

/** The lower layers of every overlay that any process has: those of a sandbox are in its own mount namespace only. */
export async function lowerDirectoriesInUse(): Promise<Set<string>> {
  const seen = new Set<string>();
  const found = new Set<string>();
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    // A process may end while it is looked at.
    const namespace = await readlink(`/proc/${pid}/ns/mnt`).catch(() => undefined);
    if (namespace === undefined || seen.has(namespace)) continue;
    const table = await readFile(`/proc/${pid}/mountinfo`, "utf8").catch(() => undefined);
    if (table === undefined) continue;
    seen.add(namespace);
    for (const path of lowerDirectories(table)) found.add(path);
  }
  return found;
}

const lowerDirectories = (table: string): string[] =>
  parseMountInfo(table)
    .filter(({ fileSystem }) => fileSystem === "overlay")
    .flatMap(({ options }) => options)
    .filter((option) => option.startsWith("lowerdir="))
    .flatMap((option) => option.slice("lowerdir=".length).split(":"));
