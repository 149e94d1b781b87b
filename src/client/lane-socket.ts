import { lstatSync } from "node:fs";
import { basename } from "node:path";
import { localSocketPattern } from "../domain/local-socket.js";

/** What a service says of its unix socket; undefined where it says nothing, or nothing that can be read. */
export function readLaneSocket(said: string | null): string | undefined {
  if (said === null) return undefined;
  try {
    return decodeURIComponent(said);
  } catch {
    return undefined;
  }
}

/**
 * Whether a socket may be believed to be the engine's that is reached at `endpoint`: one on this machine, by its name,
 * that only this user can connect to, or only root.
 */
export function isOwnSocket(path: string, endpoint: string): boolean {
  const { protocol, hostname } = new URL(endpoint);
  if (protocol !== "http:" || !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) return false;
  if (!localSocketPattern.test(basename(path))) return false;
  const info = lstatSync(path, { throwIfNoEntry: false });
  const isPrivate = info?.isSocket() === true && (info.mode & 0o077) === 0;
  return isPrivate && (info.uid === process.getuid?.() || info.uid === 0);
}
