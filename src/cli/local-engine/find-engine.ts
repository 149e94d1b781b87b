import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { engineFiles, type EngineState } from "../../domain/engine-state.js";
import { TenkiError } from "../../domain/error.js";
import { isSameProcess } from "../../lib/process-identity.js";

export interface LocalEngine extends EngineState {
  readonly token: string;
}

/** The engine that runs on a data directory; undefined where none does, whatever an old one left behind. */
export async function findEngine(dataDir: string): Promise<LocalEngine | undefined> {
  const state = await readState(join(dataDir, engineFiles.state));
  if (state === undefined || !isSameProcess({ pid: state.pid, startTicks: state.pidStartTicks }))
    return undefined;
  return { ...state, token: await readToken(dataDir) };
}

export async function readToken(dataDir: string): Promise<string> {
  return (await readOwned(join(dataDir, engineFiles.token)))?.trim() ?? "";
}

async function readState(path: string): Promise<EngineState | undefined> {
  const text = await readOwned(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as EngineState;
  } catch (cause) {
    throw new TenkiError("internal", `${path} is damaged`, { cause, hint: "tenki engine restart" });
  }
}

async function readOwned(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code === "EACCES") {
      throw new TenkiError("permission_denied", `cannot read ${path}: the engine belongs to another user`, {
        hint: "run this as that user, or name a data directory of your own with --data-dir",
        cause: error,
      });
    }
    throw error;
  }
}

/** Whether an engine has ever kept sessions here. */
export const hasRecord = (dataDir: string): Promise<boolean> =>
  access(join(dataDir, engineFiles.record)).then(
    () => true,
    () => false,
  );
