import { chmodSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { TenkiError } from "../../domain/error.js";
import { readRunning } from "./state-file.js";

export interface InstanceLock {
  release(): void;
}

/**
 * Makes this process the data directory's only engine. The lock is the kernel's, on a database that holds
 * nothing: it goes with the process, however that ends.
 */
export function lockInstance(dataDir: string): InstanceLock {
  const path = join(dataDir, "lock.db");
  const database = new DatabaseSync(path);
  try {
    chmodSync(path, 0o600);
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    throw isLocked(error) ? alreadyRuns(dataDir) : error;
  }
  return { release: () => database.close() };
}

const isLocked = (error: unknown): boolean => error instanceof Error && /locked|busy/i.test(error.message);

function alreadyRuns(dataDir: string): TenkiError {
  const running = readRunning(dataDir);
  const where =
    running === undefined ? "it has not said where yet" : `at ${running.endpoint} (pid ${running.pid})`;
  return new TenkiError("failed_precondition", `an engine already runs on ${dataDir}: ${where}`, {
    hint: "tenki engine status, or another --data-dir",
  });
}
