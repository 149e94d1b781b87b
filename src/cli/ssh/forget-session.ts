import { readdir, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { SessionNotFoundError, SessionTerminatedError } from "../../client/index.js";
import { uuid } from "../flags/parsers/words.js";
import type { SshPaths } from "./ssh-paths.js";

/** Runs what needs the session; where it is over, what is kept of it goes. */
export async function whileItLasts<T>(
  paths: SshPaths,
  sessionId: string,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const isOver = error instanceof SessionTerminatedError || error instanceof SessionNotFoundError;
    if (isOver) await forgetSessions(paths, [sessionId]);
    throw error;
  }
}

/** Removes what is kept of sessions that are over, and the names that lead to them: others may have those by now. */
export async function forgetSessions({ sessions }: SshPaths, ids: readonly string[]): Promise<void> {
  const over = ids.flatMap((id) => uuid.read(id) ?? []); // they become parts of paths
  const entries = await readdir(sessions, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(sessions, entry.name);
    const id = entry.isSymbolicLink() ? await readlink(path).catch(() => "") : entry.name;
    if (over.includes(id)) await rm(path, { recursive: true, force: true });
  }
}
