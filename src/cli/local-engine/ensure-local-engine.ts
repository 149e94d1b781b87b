import type { Io } from "../io.js";
import { resolveDataDir } from "./data-dir.js";
import { findEngine, type LocalEngine } from "./find-engine.js";
import { startEngine } from "./start-engine.js";
import { namespacePrefix } from "./user-namespace.js";

export interface EnsureEngineOptions {
  readonly dataDir?: string | undefined;
  /** Flags of `engine start` for one that does not run yet. */
  readonly flags?: readonly string[] | undefined;
}

/** The engine of this machine: the one that runs, or else one that is started now. */
export async function ensureLocalEngine(io: Io, options: EnsureEngineOptions): Promise<LocalEngine> {
  const dataDir = resolveDataDir(options.dataDir, io);
  const running = await findEngine(dataDir);
  return running ?? launchEngine(io, dataDir, options.flags ?? []);
}

export async function launchEngine(io: Io, dataDir: string, flags: readonly string[]): Promise<LocalEngine> {
  const prefix = await namespacePrefix(dataDir, io.userId);
  const warn = (line: string) => io.stderr.write(`${line}\n`);
  return startEngine({ dataDir, prefix, self: io.self, flags, env: io.env, warn });
}
