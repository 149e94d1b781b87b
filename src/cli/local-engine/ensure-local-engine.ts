import { TenkiError } from "../../domain/error.js";
import { waitUntil } from "../../lib/wait-until.js";
import type { Io } from "../io.js";
import { chooseListen } from "./choose-listen.js";
import { resolveDataDir } from "./data-dir.js";
import { findEngine, type LocalEngine } from "./find-engine.js";
import { startEngine, startTimeoutMs } from "./start-engine.js";
import { namespacePrefix } from "./user-namespace.js";

/** The engine of this machine: the one that runs or that somebody starts at the moment, or else one that is started now. */
export async function ensureLocalEngine(io: Io): Promise<LocalEngine> {
  const dataDir = resolveDataDir(undefined, io);
  const engine = await waitUntil(
    async () => (await findEngine(dataDir)) ?? (await launchUnlessBusy(io, dataDir)),
    { timeoutMs: startTimeoutMs, intervalMs: 50 },
  );
  if (engine !== undefined) return engine;
  throw new TenkiError("deadline_exceeded", `another process holds ${dataDir}, and does not serve`, {
    hint: `tenki engine logs --data-dir ${dataDir}`,
  });
}

/** Undefined where another engine has the directory: it is about to serve, or to end. */
async function launchUnlessBusy(io: Io, dataDir: string): Promise<LocalEngine | undefined> {
  try {
    return await launchEngine(io, dataDir, await chooseListen());
  } catch (error) {
    if (error instanceof TenkiError && error.kind === "already_exists") return undefined;
    throw error;
  }
}

export async function launchEngine(io: Io, dataDir: string, flags: readonly string[]): Promise<LocalEngine> {
  const prefix = await namespacePrefix(dataDir, io.userId);
  const warn = (line: string) => io.stderr.write(`${line}\n`);
  return startEngine({ dataDir, prefix, self: io.self, flags, env: io.env, warn });
}
