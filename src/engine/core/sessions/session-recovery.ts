import { isTerminal } from "../../../domain/session.js";
import type { KeyedMutex } from "../../../lib/keyed-mutex.js";
import type { Logger } from "../../../lib/logger.js";
import { networkPolicy } from "./egress.js";
import { withoutPauseSnapshot } from "../snapshots/pause-snapshot.js";
import type { NetworkPolicy } from "../ports/network.js";
import type { SessionRecord } from "../ports/store.js";
import type { SandboxParts } from "./sandbox-parts.js";
import type { SessionEnds } from "./session-ends.js";
import type { SessionPauses } from "./session-pauses.js";
import type { SessionTable } from "./session-table.js";
import type { SessionVolumes } from "./session-volumes.js";

export interface SessionRecoveryOptions {
  readonly table: SessionTable;
  readonly parts: SandboxParts;
  readonly ends: SessionEnds;
  readonly pauses: SessionPauses;
  readonly volumes: SessionVolumes;
  readonly turns: KeyedMutex;
  readonly log: Logger;
}

/** How many run on, and how many did not survive. */
export interface Recovered {
  readonly running: number;
  readonly ended: number;
}

/** Holds the record of sessions against what is there. */
export class SessionRecovery {
  readonly #options: SessionRecoveryOptions;

  constructor(options: SessionRecoveryOptions) {
    this.#options = options;
  }

  /** After a start: finishes what was half done, and removes what is nobody's. */
  async recover(): Promise<Recovered> {
    const { table, parts, log } = this.#options;
    const ended = await Promise.all(table.live().map(({ id }) => this.#recoverOne(id)));
    const kept = table.live();
    const handles = (pick: (record: SessionRecord) => string | undefined) =>
      new Set(kept.flatMap((record) => pick(record) ?? []));
    await parts.runtime.sweep(handles(({ id }) => id));
    await parts.network.sweep(policiesOf(kept));
    await parts.disks.sweep(handles(({ diskHandle }) => diskHandle));
    const count = (wanted: SessionRecord["state"]) => kept.filter(({ state }) => state === wanted).length;
    const outcome = { running: count("RUNNING"), ended: ended.filter(Boolean).length };
    log.info("recovered", { ...outcome, paused: count("PAUSED") });
    return outcome;
  }

  /** True where the session did not survive. */
  async #recoverOne(id: string): Promise<boolean> {
    const { table, turns, volumes } = this.#options;
    try {
      const settled = await turns.run(id, async () => {
        const record = await this.settle(id);
        if (!isTerminal(record.state)) await volumes.settle(record);
        return record;
      });
      return settled.state === "TERMINATED";
    } catch (error) {
      table.logFailure(id, error);
      return false;
    }
  }

  /** Finishes what was half done when the engine was lost; in the session's turn. */
  async settle(id: string): Promise<SessionRecord> {
    const record = this.#options.table.get(id);
    switch (record.state) {
      case "RUNNING":
        return this.#settleRunning(record);
      case "PAUSING":
        return this.#settlePausing(record);
      case "PAUSED":
        return this.#settlePaused(record);
      case "RESUMING":
        return this.#settleResuming(record);
      case "CREATING":
        return this.#options.ends.end(id, "the engine stopped while it was created");
      default:
        return this.#options.ends.end(id, goneAtStart);
    }
  }

  async #settleRunning(record: SessionRecord): Promise<SessionRecord> {
    const { parts, ends } = this.#options;
    const { id } = record;
    if (!(await parts.runtime.isRunning(id))) return ends.end(id, goneAtStart);
    // Where a snapshot was being taken, everything in it was to stand still for a moment.
    if (parts.snapshots.needsStill && (await parts.runtime.isPaused(id))) await parts.runtime.resume(id);
    return record;
  }

  async #settlePausing({ id }: SessionRecord): Promise<SessionRecord> {
    const { table, parts, ends, pauses } = this.#options;
    if (!(await parts.runtime.isRunning(id))) return ends.end(id, goneAtStart);
    if (!(await parts.runtime.isPaused(id))) return table.move(id, "pause_failed");
    await parts.runtime.pause(id); // it may have been half done
    return pauses.keepPaused(id);
  }

  /** Its files are kept whatever became of its processes. */
  async #settlePaused(record: SessionRecord): Promise<SessionRecord> {
    const { table, parts } = this.#options;
    const { id, diskHandle } = record;
    if (record.processesLost) return record;
    if (!(await parts.runtime.isRunning(id))) return table.change(id, withoutProcesses);
    if (await parts.runtime.isPaused(id)) return record;
    await parts.runtime.pause(id); // somebody else let it go on
    if (diskHandle !== undefined) await parts.disks.persist(diskHandle);
    return record;
  }

  async #settleResuming({ id, processesLost = false }: SessionRecord): Promise<SessionRecord> {
    const { table, parts } = this.#options;
    // What was being booted afresh may not be ready for use: it is begun again.
    if (processesLost) await parts.runtime.stop(id);
    if (processesLost || !(await parts.runtime.isRunning(id))) {
      return table.move(id, "resume_failed", withoutProcesses);
    }
    if (await parts.runtime.isPaused(id)) {
      return table.move(id, "resume_failed", { lastResumeError: "the engine stopped while it was resumed" });
    }
    table.touch(id);
    return table.move(id, "resumed", {
      pausedAt: undefined,
      pauseExpiresAt: undefined,
      ...withoutPauseSnapshot,
    });
  }
}

const policiesOf = (sessions: readonly SessionRecord[]): Map<string, NetworkPolicy> =>
  new Map(
    sessions.flatMap((session) =>
      session.networkHandle === undefined ? [] : [[session.networkHandle, networkPolicy(session)]],
    ),
  );

const goneAtStart = "its sandbox was gone when the engine started";

/** Its network went with its processes, and another sandbox may get the same one. */
const withoutProcesses = {
  processesLost: true,
  networkHandle: undefined,
  lastResumeError:
    "its processes have ended, with the machine or by themselves: resumed, it starts afresh with its files",
};
