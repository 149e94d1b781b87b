import { randomUUID } from "node:crypto";
import { TenkiError } from "../../../domain/error.js";
import { isTerminal } from "../../../domain/session.js";
import type { Clock } from "../ports/clock.js";
import type { SessionRecord } from "../ports/store.js";
import { withoutPauseSnapshot } from "../snapshots/pause-snapshot.js";
import { bootOnKeptDisk, type SandboxParts } from "./sandbox-parts.js";
import { secretFiles } from "../commands/secret-files.js";
import type { SessionSecrets } from "./session-secrets.js";
import { messageOf, type SessionChanges, type SessionTable } from "./session-table.js";
import { wrongState } from "./session-states.js";
import type { SessionUse } from "./session-use.js";
import { retainedUntil } from "./session-end.js";
import type { SessionVolumes } from "./session-volumes.js";
import type { WorkspaceSettings } from "../workspace/workspace-settings.js";

export interface SessionPausesOptions {
  readonly table: SessionTable;
  readonly parts: SandboxParts;
  readonly clock: Clock;
  readonly use: SessionUse;
  readonly settings: WorkspaceSettings;
  readonly secrets: SessionSecrets;
  readonly volumes: SessionVolumes;
}

/** What begins to start at the same moment is given so long, so that it stands still as a whole or not at all. */
const callsGraceMs = 2_000;

/** Pausing and resuming. Each call is made in its session's turn. */
export class SessionPauses {
  readonly #options: SessionPausesOptions;

  constructor(options: SessionPausesOptions) {
    this.#options = options;
  }

  /** Everything in it stands still when this resolves, and its files outlast a loss of power. */
  async pause(id: string): Promise<SessionRecord> {
    const { table, parts, use } = this.#options;
    use.requireRunning(id);
    table.move(id, "pause"); // from here on calls are refused
    try {
      await use.untilCallsEnd(id, callsGraceMs);
      await parts.runtime.pause(id);
      return await this.keepPaused(id);
    } catch (error) {
      await parts.runtime.resume(id).catch((failure: unknown) => table.logFailure(id, failure));
      table.move(id, "pause_failed");
      throw error;
    }
  }

  /** What stands still already is recorded as paused, once nothing of it can be lost. */
  async keepPaused(id: string): Promise<SessionRecord> {
    const { table, parts, clock, settings } = this.#options;
    const session = table.get(id);
    const { diskHandle, pauseRetentionMs } = session;
    if (diskHandle !== undefined) await parts.disks.persist(diskHandle);
    await this.#options.volumes.persist(session);
    const pausedAt = clock.now();
    const keptMs = pauseRetentionMs ?? settings.get().pauseRetentionMs;
    const pauseExpiresAt = keptMs === undefined ? undefined : retainedUntil(pausedAt, keptMs);
    return table.move(id, "paused", {
      ...{ pausedAt, pauseExpiresAt, lastResumeError: undefined },
      ...(await this.#keptDisk(diskHandle)),
    });
  }

  /** Refuses what cannot be resumed. */
  requirePaused(id: string): void {
    const { state } = this.#options.table.get(id);
    if (state === "PAUSED" || state === "USER_SHUTDOWN") return;
    const why = isTerminal(state) ? wrongState(state) : `session is not paused (state=${state})`;
    throw new TenkiError("failed_precondition", why);
  }

  /** It goes on where it stood; where its processes are gone, afresh with its files. A failure leaves it paused. */
  async resume(id: string, signal: AbortSignal): Promise<SessionRecord> {
    const { table, parts } = this.#options;
    table.move(id, "resume", { lastResumeError: undefined });
    try {
      if (!table.get(id).processesLost && (await parts.runtime.isRunning(id))) await parts.runtime.resume(id);
      else await this.#bootAgain(id, signal);
    } catch (error) {
      table.logFailure(id, error);
      return table.move(id, "resume_failed", {
        lastResumeError: signal.aborted ? "it was called off" : messageOf(error),
      });
    }
    table.touch(id);
    return table.move(id, "resumed", {
      pausedAt: undefined,
      pauseExpiresAt: undefined,
      processesLost: undefined,
      ...withoutPauseSnapshot,
    });
  }

  /** From now on its disk is a snapshot that others can be made of, where that can be. */
  async #keptDisk(diskHandle: string | undefined): Promise<SessionChanges> {
    const { disks, snapshots } = this.#options.parts;
    if (diskHandle === undefined || snapshots.unavailable !== undefined) return {};
    const usage = await disks.usage(diskHandle);
    return { pauseSnapshotId: randomUUID(), pauseSnapshotBytes: usage?.usedBytes };
  }

  async #bootAgain(id: string, signal: AbortSignal): Promise<void> {
    const { table, parts, secrets, volumes } = this.#options;
    const session = table.change(id, { processesLost: true });
    await bootOnKeptDisk(parts, {
      session,
      files: secretFiles(session, secrets.kept(id)),
      openVolumes: () => volumes.open(session),
      record: (handles) => void table.change(id, handles),
      signal,
    });
  }
}
