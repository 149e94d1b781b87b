import { withoutPauseSnapshot } from "../snapshots/pause-snapshot.js";
import type { Clock } from "../ports/clock.js";
import type { SessionRecord } from "../ports/store.js";
import { removeSandbox, type SandboxParts } from "./sandbox-parts.js";
import type { SessionSecrets } from "./session-secrets.js";
import type { SessionTable } from "./session-table.js";
import type { SessionVolumes } from "./session-volumes.js";

export interface SessionEndsOptions {
  readonly table: SessionTable;
  readonly parts: SandboxParts;
  readonly clock: Clock;
  readonly secrets: SessionSecrets;
  readonly volumes: SessionVolumes;
}

/** The end of sessions. Each call is made in its session's turn. */
export class SessionEnds {
  readonly #options: SessionEndsOptions;
  /** Taken apart, but not recorded so yet: their handles may be somebody else's by now. */
  readonly #removed = new Set<string>();

  constructor(options: SessionEndsOptions) {
    this.#options = options;
  }

  /** Ends it for good; one that has ended stays as it is. `why` is kept where nobody asked for it. */
  async end(id: string, why: string | undefined): Promise<SessionRecord> {
    const { table, parts, clock, secrets, volumes } = this.#options;
    const record = table.get(id);
    if (record.state === "TERMINATED") return record;
    const ending =
      record.state === "TERMINATING" ? record : table.move(id, "terminate", { terminalError: why });
    if (!this.#removed.has(id)) await removeSandbox(parts, ending);
    this.#removed.add(id);
    await volumes.letGo(ending);
    const terminatedAt = clock.now();
    const ended = table.move(id, "terminated", {
      terminatedAt,
      networkHandle: undefined,
      diskHandle: undefined,
      sshHostKey: undefined,
      volumes: [],
      ...withoutPauseSnapshot,
    });
    this.#removed.delete(id);
    secrets.forget(id);
    return ended;
  }
}
