import type { Clock } from "./ports/clock.js";
import type { SessionRecord } from "./ports/store.js";
import { removeSandbox, type SandboxParts } from "./sandbox-parts.js";
import type { SessionTable } from "./session-table.js";

/** The end of sessions. Each call is made in its session's turn. */
export class SessionEnds {
  readonly #table: SessionTable;
  readonly #parts: SandboxParts;
  readonly #clock: Clock;
  /** Taken apart, but not recorded so yet: their handles may be somebody else's by now. */
  readonly #removed = new Set<string>();

  constructor(table: SessionTable, parts: SandboxParts, clock: Clock) {
    this.#table = table;
    this.#parts = parts;
    this.#clock = clock;
  }

  /** Ends it for good; one that has ended stays as it is. `why` is kept where nobody asked for it. */
  async end(id: string, why: string | undefined): Promise<SessionRecord> {
    const record = this.#table.get(id);
    if (record.state === "TERMINATED") return record;
    const ending =
      record.state === "TERMINATING" ? record : this.#table.move(id, "terminate", { terminalError: why });
    if (!this.#removed.has(id)) await removeSandbox(this.#parts, ending);
    this.#removed.add(id);
    const terminatedAt = this.#clock.now();
    const ended = this.#table.move(id, "terminated", {
      terminatedAt,
      networkHandle: undefined,
      diskHandle: undefined,
    });
    this.#removed.delete(id);
    return ended;
  }
}
