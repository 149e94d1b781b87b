import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { OutputLog, OutputLogs } from "../core/ports/output-logs.js";
import { DiskOutputLog, type LogBounds } from "./disk-output-log.js";

/** 64 MiB of each execution; the oldest 4 of them are dropped at a time. */
const defaultBounds: LogBounds = { segmentBytes: 4 << 20, segments: 16 };

/** Output under the data directory, `executions/<session>/<execution>/`, its owner's only. */
export class DiskOutputLogs implements OutputLogs {
  readonly #directory: string;
  readonly #bounds: LogBounds;

  constructor(dataDir: string, bounds: LogBounds = defaultBounds) {
    this.#directory = join(dataDir, "executions");
    this.#bounds = bounds;
  }

  open(sessionId: string, executionId: string): Promise<OutputLog> {
    return DiskOutputLog.open(join(this.#directory, sessionId, executionId), this.#bounds);
  }

  async remove(sessionId: string, executionId: string): Promise<void> {
    const session = join(this.#directory, sessionId);
    await rm(join(session, executionId), { recursive: true, force: true });
    await rmdir(session).catch(() => undefined); // others are in it, or it is gone
  }

  async sweep(keep: ReadonlySet<string>): Promise<void> {
    for (const sessionId of await namesIn(this.#directory)) {
      for (const executionId of await namesIn(join(this.#directory, sessionId))) {
        if (!keep.has(executionId)) await this.remove(sessionId, executionId);
      }
    }
  }
}

const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);
