import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { engineFiles, type EngineState } from "../../domain/engine-state.js";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import { isSameProcess } from "../../lib/process-identity.js";

/** Tells the command line where the engine is. */
export const writeState = (state: EngineState): Promise<void> =>
  writeFileAtomic(join(state.dataDir, engineFiles.state), `${JSON.stringify(state, undefined, 2)}\n`);

export const removeState = (dataDir: string): void =>
  rmSync(join(dataDir, engineFiles.state), { force: true });

/** The engine that says it runs here; undefined where none says so, or where its process is gone. */
export function readRunning(dataDir: string): EngineState | undefined {
  try {
    const state = JSON.parse(readFileSync(join(dataDir, engineFiles.state), "utf8")) as EngineState;
    return isSameProcess({ pid: state.pid, startTicks: state.pidStartTicks }) ? state : undefined;
  } catch {
    return undefined;
  }
}
