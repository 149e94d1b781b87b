import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { engineFiles } from "../../domain/engine-state.js";
import { isSameProcess, type ProcessIdentity } from "../../lib/process-identity.js";

/**
 * What to put before the engine's own command so that an ordinary user's engine is root in a user and a
 * mount namespace: the ones that its sandboxes still live in, or new ones. Empty for root.
 */
export async function namespacePrefix(dataDir: string, userId: number): Promise<readonly string[]> {
  if (userId === 0) return [];
  const holder = await readHolder(dataDir);
  if (holder === undefined) return ["unshare", "--user", "--map-auto", "--map-root-user", "--mount", "--"];
  return ["nsenter", "--user", "--mount", "--preserve-credentials", "--target", String(holder.pid), "--"];
}

async function readHolder(dataDir: string): Promise<ProcessIdentity | undefined> {
  try {
    const holder = JSON.parse(await readFile(join(dataDir, engineFiles.holder), "utf8")) as ProcessIdentity;
    return isSameProcess(holder) ? holder : undefined;
  } catch {
    return undefined; // no engine without root has run here, or it left half a file: new namespaces are right
  }
}
