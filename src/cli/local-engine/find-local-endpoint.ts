import type { Io } from "../io.js";
import { resolveDataDir } from "./data-dir.js";
import { findEngine } from "./find-engine.js";

/** Where the engine of this machine with that token is by now; undefined while none runs, and none is started. */
export async function findLocalEndpoint(io: Io, token: string | undefined): Promise<string | undefined> {
  const engine = await findEngine(resolveDataDir(undefined, io)).catch(() => undefined);
  return engine?.token === token ? engine?.endpoint : undefined;
}
