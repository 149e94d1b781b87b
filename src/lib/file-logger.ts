import { closeSync, fstatSync, openSync, renameSync, unlinkSync, writeSync } from "node:fs";
import type { LogFields, Logger, LogLevel } from "./logger.js";

export interface FileLoggerOptions {
  readonly path: string;
  /** What is less serious is left out. Default `info`. */
  readonly level?: LogLevel | undefined;
  /** A file that has grown past it is put aside. Default 10 MB. */
  readonly maxBytes?: number | undefined;
  /** How many that were put aside are kept, as `path.1` (the youngest) and so on. Default 4. */
  readonly kept?: number | undefined;
}

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** One JSON object a line. Written at once, so that a crash takes no line with it. */
export class FileLogger implements Logger {
  readonly #path: string;
  readonly #rank: number;
  readonly #maxBytes: number;
  readonly #kept: number;
  #file: number;
  #size: number;

  constructor({ path, level = "info", maxBytes = 10_000_000, kept = 4 }: FileLoggerOptions) {
    this.#path = path;
    this.#rank = ranks[level];
    this.#maxBytes = maxBytes;
    this.#kept = kept;
    this.#file = openLog(path);
    this.#size = fstatSync(this.#file).size;
  }

  debug(message: string, fields?: LogFields): void {
    this.#write("debug", message, fields);
  }
  info(message: string, fields?: LogFields): void {
    this.#write("info", message, fields);
  }
  warn(message: string, fields?: LogFields): void {
    this.#write("warn", message, fields);
  }
  error(message: string, fields?: LogFields): void {
    this.#write("error", message, fields);
  }

  close(): void {
    closeSync(this.#file);
    this.#file = -1;
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (ranks[level] < this.#rank || this.#file === -1) return;
    const line = `${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`;
    try {
      if (this.#size >= this.#maxBytes) this.#rotate();
      this.#size += writeSync(this.#file, line);
    } catch {
      // a full disk must not end who only wanted to say something
    }
  }

  #rotate(): void {
    closeSync(this.#file);
    remove(`${this.#path}.${this.#kept}`);
    for (let age = this.#kept - 1; age >= 1; age -= 1) {
      move(`${this.#path}.${age}`, `${this.#path}.${age + 1}`);
    }
    if (this.#kept > 0) move(this.#path, `${this.#path}.1`);
    this.#file = openLog(this.#path);
    this.#size = fstatSync(this.#file).size;
  }
}

const openLog = (path: string): number => openSync(path, "a", 0o600);

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
