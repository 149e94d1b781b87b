import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { engineFiles } from "../../domain/engine-state.js";
import { TenkiError } from "../../domain/error.js";
import { tryProcess } from "../../lib/process.js";
import { loadDoctor } from "./engine-door.js";
import { isSameProcess, type ProcessIdentity } from "../../lib/process-identity.js";

/**
 * What to put before the engine's own command so that an ordinary user's engine is root in a user and a
 * mount namespace: the ones that its sandboxes still live in, or new ones. Empty for root.
 */
export async function namespacePrefix(dataDir: string, userId: number): Promise<readonly string[]> {
  if (userId === 0) return [];
  const holder = await readHolder(dataDir);
  if (holder === undefined) {
    await requireUserNamespaces();
    return ["unshare", "--user", "--map-auto", "--map-root-user", "--mount", "--"];
  }
  return ["nsenter", "--user", "--mount", "--preserve-credentials", "--target", String(holder.pid), "--"];
}

/** Tried without a mapping: where it is refused with one, `unshare` leaves a process behind that waits for ever. */
async function requireUserNamespaces(): Promise<void> {
  const attempt = await tryProcess(["unshare", "--user", "--mount", "true"]).catch(() => undefined);
  if (attempt?.exitCode === 0) return;
  const { runDoctor } = await loadDoctor();
  const { findings } = await runDoctor();
  const lacking = findings.find(({ name }) => name === "user namespaces");
  throw new TenkiError(
    "failed_precondition",
    `an engine without root cannot run here: ${lacking?.detail ?? "no user namespace can be made"}`,
    { hint: lacking?.hint },
  );
}

async function readHolder(dataDir: string): Promise<ProcessIdentity | undefined> {
  try {
    const holder = JSON.parse(await readFile(join(dataDir, engineFiles.holder), "utf8")) as ProcessIdentity;
    return isSameProcess(holder) ? holder : undefined;
  } catch {
    return undefined; // no engine without root has run here, or it left half a file: new namespaces are right
  }
}
