import type { SessionStats } from "../../../domain/session-stats.js";
import type { Clock } from "../ports/clock.js";
import type { SessionRecord, Store } from "../ports/store.js";
import type { SandboxParts } from "./sandbox-parts.js";
import type { Sessions } from "./sessions.js";

export interface StatsOptions {
  readonly store: Store;
  readonly sessions: Sessions;
  readonly parts: Pick<SandboxParts, "runtime" | "disks">;
  readonly clock: Clock;
}

/** What sessions use of the machine, seen from outside: looking is no activity, and asks nothing of a sandbox. */
export class Stats {
  readonly #options: StatsOptions;

  constructor(options: StatsOptions) {
    this.#options = options;
  }

  /** In the order asked for; without ids all sessions that are not over, the newest first. */
  get(ids: readonly string[]): Promise<SessionStats[]> {
    const { store, sessions } = this.#options;
    const records = ids.length === 0 ? store.liveSessions() : ids.map((id) => sessions.get(id));
    return Promise.all(records.map((record) => this.#sample(record)));
  }

  async #sample({ id, name, state, diskHandle }: SessionRecord): Promise<SessionStats> {
    const { parts, clock } = this.#options;
    const [sandbox, disk] = await Promise.all([
      parts.runtime.stats(id),
      diskHandle === undefined ? undefined : parts.disks.usage(diskHandle),
    ]);
    return {
      sessionId: id,
      name,
      state,
      sampledAt: clock.now(),
      ...sandbox,
      diskUsedBytes: disk?.usedBytes,
      diskSizeBytes: disk?.sizeBytes,
    };
  }
}
