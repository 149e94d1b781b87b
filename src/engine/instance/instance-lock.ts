import { chmodSync, closeSync, openSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type DatabaseSyncInstance } from "@photostructure/sqlite";
import { engineFiles } from "../../domain/engine-state.js";
import { TenkiError } from "../../domain/error.js";
import { readRunning } from "./state-file.js";

export interface InstanceLock {
  /** No engine has kept anything here before. */
  readonly isFirst: boolean;
  release(): void;
}

/** The lock's file; it holds nothing. */
export const lockName = "lock.db";

/**
 * Makes this process the data directory's only engine. The lock is the kernel's, on a database that holds
 * nothing: it goes with the process, however that ends.
 */
export function lockInstance(dataDir: string): InstanceLock {
  const path = join(dataDir, lockName);
  for (;;) {
    closeSync(openSync(path, "a", 0o600));
    const before = statSync(path, { throwIfNoEntry: false })?.ino;
    const database = lockDatabase(path, dataDir);
    // A first start that failed takes its lock away with it: what is locked then has no name any more.
    if (before !== undefined && before === statSync(path, { throwIfNoEntry: false })?.ino) {
      return { isFirst: isUntouched(dataDir), release: () => database.close() };
    }
    database.close();
  }
}

const isUntouched = (dataDir: string): boolean =>
  readdirSync(dataDir).every((name) => name === lockName || name === engineFiles.output);

function lockDatabase(path: string, dataDir: string): DatabaseSyncInstance {
  const database = new DatabaseSync(path);
  try {
    chmodSync(path, 0o600);
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database.close();
    throw isLocked(error) ? alreadyRuns(dataDir) : error;
  }
}

const isLocked = (error: unknown): boolean => error instanceof Error && /locked|busy/i.test(error.message);

function alreadyRuns(dataDir: string): TenkiError {
  const running = readRunning(dataDir);
  const where =
    running === undefined ? "it has not said where yet" : `at ${running.endpoint} (pid ${running.pid})`;
  return new TenkiError("already_exists", `an engine already runs on ${dataDir}: ${where}`, {
    hint: "tenki engine status, or another --data-dir",
  });
}
