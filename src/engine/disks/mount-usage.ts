import { stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { DiskUsage } from "../../domain/session-stats.js";

/** How full the file system is that is mounted there; undefined where none is. Looks at no path inside. */
export async function mountUsage(mountPoint: string): Promise<DiskUsage | undefined> {
  try {
    const [own, parent] = await Promise.all([stat(mountPoint), stat(dirname(mountPoint))]);
    if (own.dev === parent.dev) return undefined; // the host's own file system: nothing is mounted
    const { bsize, blocks, bfree } = await statfs(mountPoint);
    return { usedBytes: (blocks - bfree) * bsize, sizeBytes: blocks * bsize };
  } catch {
    return undefined; // it has just gone
  }
}
