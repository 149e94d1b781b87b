import type { Logger } from "../../../lib/logger.js";
import { endedExecutionsMax, endedOutputBytesMax, executionsAfterSessionMs } from "../workspace/limits.js";
import type { Clock } from "../ports/clock.js";
import type { ExecutionRecord, ExecutionStore } from "../ports/execution-store.js";
import type { OutputLogs } from "../ports/output-logs.js";
import { messageOf } from "../sessions/session-table.js";
import type { Sessions } from "../sessions/sessions.js";

export interface RetentionParts {
  readonly store: ExecutionStore;
  readonly logs: OutputLogs;
  readonly sessions: Sessions;
  readonly clock: Clock;
  readonly log: Logger;
}

const lookAgainMs = 3_600_000;

/** Which executions that have ended are kept: the newest of each session, and those of one that is over for a day. */
export class ExecutionRetention {
  readonly #parts: RetentionParts;
  #callOff: (() => void) | undefined;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** Looks now, and from then on by itself. */
  async begin(): Promise<void> {
    const { store, logs, clock } = this.#parts;
    this.#callOff = clock.after(lookAgainMs, () => void this.begin());
    for (const sessionId of store.sessionsWithExecutions()) await this.prune(sessionId);
    await this.#trying(() => logs.sweep(new Set(store.executionIds())));
  }

  stop(): void {
    this.#callOff?.();
  }

  /** Drops of a session what is too old or too much. */
  async prune(sessionId: string): Promise<void> {
    await this.#trying(async () => {
      const { store, logs } = this.#parts;
      for (const { id } of this.#excess(store.endedExecutions(sessionId), sessionId)) {
        store.deleteExecution(id);
        await logs.remove(sessionId, id);
      }
    });
  }

  #excess(newestFirst: readonly ExecutionRecord[], sessionId: string): readonly ExecutionRecord[] {
    if (this.#isLongOver(sessionId)) return newestFirst;
    let bytes = 0;
    return newestFirst.filter(({ outputBytes, keptFrom }, at) => {
      bytes += outputBytes - keptFrom;
      return at >= endedExecutionsMax || (at > 0 && bytes > endedOutputBytesMax);
    });
  }

  #isLongOver(sessionId: string): boolean {
    const { sessions, clock } = this.#parts;
    const { terminatedAt } = sessions.get(sessionId);
    return (
      terminatedAt !== undefined && clock.now().getTime() - terminatedAt.getTime() > executionsAfterSessionMs
    );
  }

  /** What cannot be dropped now is dropped another time. */
  async #trying(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#parts.log.warn("old executions could not be dropped", { error: messageOf(error) });
    }
  }
}
