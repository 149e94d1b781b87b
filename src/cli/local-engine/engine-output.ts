import { existsSync, openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { engineFiles } from "../../domain/engine-state.js";
import { TenkiError } from "../../domain/error.js";
import { makeDirectory, unmakeDirectories } from "../../lib/make-directory.js";

/** Where an engine in the background writes what it has no log for. */
export interface EngineOutput {
  readonly path: string;
  readonly descriptor: number;
  /** Takes away what was made for a start that failed, where nothing else is there. */
  undo(): void;
}

export function openOutput(dataDir: string): EngineOutput {
  try {
    const made = makeDirectory(dataDir);
    const path = join(dataDir, engineFiles.output);
    const isNew = !existsSync(path);
    const descriptor = openSync(path, "a", 0o600);
    return { path, descriptor, undo: () => (isNew ? undo(dataDir, made) : undefined) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TenkiError("failed_precondition", `cannot use the data directory ${dataDir}: ${why}`, {
      cause,
      hint: "name another with --data-dir, or TENKI_ENGINE_DATA_DIR",
    });
  }
}

/** Another engine may have taken the directory meanwhile: then it writes there, too. */
function undo(dataDir: string, made: readonly string[]): void {
  if (readdirSync(dataDir).some((name) => name !== engineFiles.output)) return;
  rmSync(join(dataDir, engineFiles.output));
  unmakeDirectories(made);
}
