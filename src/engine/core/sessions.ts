import { randomUUID } from "node:crypto";
import { TenkiError } from "../../domain/error.js";
import { defaultNetwork, defaultResources } from "../../domain/resources.js";
import type { SessionState } from "../../domain/session.js";
import { KeyedMutex } from "../../lib/keyed-mutex.js";
import type { Logger } from "../../lib/logger.js";
import type { Access } from "./access.js";
import { ActivityLog } from "./activity-log.js";
import { defaultPageSize, longestDurationMs } from "./limits.js";
import { decodePageToken, encodePageToken } from "./page-token.js";
import type { Clock } from "./ports/clock.js";
import type { SessionFilter, SessionRecord, Store } from "./ports/store.js";
import { bootSandbox, removeSandbox, type SandboxParts } from "./sandbox-parts.js";
import { checkSessionName, inventSessionName } from "./session-name.js";
import type { CreateSession, ListSessions, SessionList, UpdateSession } from "./session-requests.js";
import { nextState, type SessionEvent, wrongState } from "./session-states.js";
import { SessionWatchers } from "./session-watchers.js";

export interface SessionsOptions {
  readonly store: Store;
  readonly parts: SandboxParts;
  readonly clock: Clock;
  readonly access: Access;
  readonly log: Logger;
}

/** Every session of this engine: what may happen to it, one thing after another. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #turns = new KeyedMutex();
  readonly #watchers = new SessionWatchers();
  readonly #boots = new Map<string, AbortController>();
  readonly #activity: ActivityLog;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#activity = new ActivityLog(options.clock, (id, at) => this.#writeActivity(id, at));
  }

  /** Records a new session and begins to boot it; who wants it running watches it. */
  create(request: CreateSession): SessionRecord {
    const record = this.#newRecord(request);
    this.#options.store.insertSession(record);
    const abort = new AbortController();
    this.#boots.set(record.id, abort);
    void this.#boot(record.id, abort.signal).finally(() => this.#boots.delete(record.id));
    return record;
  }

  /** As the record has it, whatever its state; an unknown id is `not_found`. */
  get(id: string): SessionRecord {
    const record = this.#options.store.getSession(id);
    if (record === undefined) throw new TenkiError("not_found", `session not found: ${id}`);
    return this.#activity.apply(record);
  }

  /** The session, if a command can run in it now. */
  requireRunning(id: string): SessionRecord {
    const record = this.get(id);
    if (record.state !== "RUNNING") throw new TenkiError("failed_precondition", wrongState(record.state));
    return record;
  }

  list(request: ListSessions): SessionList {
    const { store, access } = this.#options;
    const filter: SessionFilter = {
      ...(request.ownerId === undefined ? {} : { ownerId: access.resolveOwner(request.ownerId) }),
      workspaceId: access.resolveWorkspace(request.workspaceId),
      ...(request.projectId === undefined ? {} : { projectId: access.resolveProject(request.projectId) }),
      states: request.states,
      includeTerminated: request.includeTerminated,
      tags: request.tags,
      sticky: request.sticky,
    };
    const after =
      request.pageToken === "" ? undefined : decodePageToken(request.pageToken, access.workspaceId);
    const page = store.listSessions(filter, { size: request.pageSize || defaultPageSize, after });
    return {
      sessions: page.sessions.map((record) => this.#activity.apply(record)),
      nextPageToken: page.next === undefined ? "" : encodePageToken(page.next, access.workspaceId),
    };
  }

  update(id: string, request: UpdateSession): Promise<SessionRecord> {
    return this.#changeLive(id, (record) => ({
      ...record,
      ...(request.name === undefined ? {} : { name: checkSessionName(request.name) }),
      ...(request.clearTags
        ? { tags: [] }
        : request.tags.length > 0
          ? { tags: [...new Set(request.tags)] }
          : {}),
      ...(request.sticky === undefined ? {} : { sticky: request.sticky }),
      ...(request.maxDurationMs === undefined
        ? {}
        : { timeoutAt: this.#endAfter(record.readyAt ?? record.createdAt, request.maxDurationMs) }),
    }));
  }

  /** Moves the session's end; one that had none ends so long from now. */
  extend(id: string, additionalMs: number): Promise<SessionRecord> {
    if (additionalMs <= 0)
      throw new TenkiError("invalid_argument", "additional_duration must be more than 0");
    const { clock } = this.#options;
    return this.#changeLive(id, (record) => ({
      ...record,
      timeoutAt: this.#endAfter(record.timeoutAt ?? clock.now(), additionalMs),
    }));
  }

  /** Ends a session for good; ending one that has ended is a success. `why` is kept where nobody asked for it. */
  async terminate(id: string, why?: string): Promise<SessionRecord> {
    this.get(id);
    this.#boots.get(id)?.abort(new TenkiError("failed_precondition", wrongState("TERMINATED")));
    return this.#turns.run(id, () => this.#terminateNow(id, why));
  }

  /** Each session as it is after every change of its state, the present one first. */
  watch(id: string, signal: AbortSignal): AsyncIterable<SessionRecord> {
    return this.#watchers.watch(this.get(id), signal);
  }

  reportActivity(id: string): Date {
    this.requireRunning(id);
    return this.#activity.touch(id);
  }

  /** A call into the sandbox was not answered: where the sandbox is gone, the session ends. */
  async observe(id: string): Promise<SessionRecord> {
    const record = this.get(id);
    if (record.state !== "RUNNING" || (await this.#options.parts.runtime.isRunning(id))) return record;
    return this.terminate(id, "its sandbox ended by itself");
  }

  /** After a start: holds the record against what is there, finishes what was half done, removes what is nobody's. */
  async recover(): Promise<{ readonly running: number; readonly ended: number }> {
    const { store, parts, log } = this.#options;
    const live = store.liveSessions();
    const ended = await Promise.all(live.map((record) => this.#recoverOne(record)));
    const kept = store.liveSessions();
    const handles = (pick: (record: SessionRecord) => string | undefined) =>
      new Set(kept.flatMap((record) => pick(record) ?? []));
    await parts.runtime.sweep(handles(({ id }) => id));
    await parts.network.sweep(handles(({ networkHandle }) => networkHandle));
    await parts.disks.sweep(handles(({ diskHandle }) => diskHandle));
    const outcome = { running: kept.length, ended: ended.filter(Boolean).length };
    log.info("recovered", outcome);
    return outcome;
  }

  /** How many sessions are not over. */
  countLive(): number {
    return this.#options.store.liveSessions().length;
  }

  /** Ends what is past its time, and tries again to end what could not be ended; resolves with when to look next. */
  async endOverdue(): Promise<Date | undefined> {
    const now = this.#options.clock.now();
    const live = this.#options.store.liveSessions();
    const due = live.filter(
      ({ timeoutAt, state }) => state === "TERMINATING" || (timeoutAt && timeoutAt <= now),
    );
    await Promise.all(
      due.map(({ id }) =>
        this.terminate(id, "it reached its max_duration").catch((error: unknown) =>
          this.#logFailure(id, error),
        ),
      ),
    );
    const ends = live.flatMap(({ timeoutAt }) =>
      timeoutAt !== undefined && timeoutAt > now ? [timeoutAt.getTime()] : [],
    );
    return ends.length === 0 ? undefined : new Date(Math.min(...ends));
  }

  /** Writes what is kept in memory only, and aborts what is being booted. Sandboxes are left as they are. */
  async close(): Promise<void> {
    this.#activity.flush();
    for (const boot of this.#boots.values()) boot.abort(new TenkiError("unavailable", "the engine stops"));
    await Promise.all([...this.#boots.keys()].map((id) => this.#turns.run(id, async () => undefined)));
  }

  async #boot(id: string, signal: AbortSignal): Promise<void> {
    await this.#turns.run(id, async () => {
      const record = this.get(id);
      if (record.state !== "CREATING") return;
      try {
        await bootSandbox(
          this.#options.parts,
          record,
          (handles) => void this.#write({ ...this.get(id), ...handles }),
          signal,
        );
        const now = this.#options.clock.now();
        this.#move({ ...this.get(id), readyAt: now, lastActivityAt: now }, "booted");
      } catch (error) {
        this.#logFailure(id, error);
        await this.#terminateNow(id, error instanceof Error ? error.message : String(error)).catch(
          (failure: unknown) => this.#logFailure(id, failure),
        );
      }
    });
  }

  async #terminateNow(id: string, why: string | undefined): Promise<SessionRecord> {
    const record = this.get(id);
    if (record.state === "TERMINATED") return record;
    const ending =
      record.state === "TERMINATING"
        ? record
        : this.#move({ ...record, terminalError: record.terminalError ?? why }, "terminate");
    await removeSandbox(this.#options.parts, ending);
    return this.#move(
      { ...ending, networkHandle: undefined, diskHandle: undefined, terminatedAt: this.#options.clock.now() },
      "terminated",
    );
  }

  /** True where the session did not survive. */
  async #recoverOne(record: SessionRecord): Promise<boolean> {
    if (record.state === "RUNNING" && (await this.#options.parts.runtime.isRunning(record.id))) return false;
    const why =
      record.state === "CREATING"
        ? "the engine stopped while it was being created"
        : "its sandbox was gone when the engine started";
    try {
      await this.terminate(record.id, why);
    } catch (error) {
      this.#logFailure(record.id, error);
    }
    return true;
  }

  #changeLive(id: string, change: (record: SessionRecord) => SessionRecord): Promise<SessionRecord> {
    return this.#turns.run(id, async () => {
      const record = this.get(id);
      if (record.state === "TERMINATED" || record.state === "TERMINATING") {
        throw new TenkiError("failed_precondition", wrongState(record.state));
      }
      return this.#write(change(record));
    });
  }

  #endAfter(from: Date, durationMs: number): Date {
    const end = new Date(from.getTime() + durationMs);
    if (end.getTime() - this.#options.clock.now().getTime() > longestDurationMs) {
      throw new TenkiError("invalid_argument", "a session ends 30 days from now at the latest");
    }
    return end;
  }

  #move(record: SessionRecord, event: SessionEvent): SessionRecord {
    const state: SessionState = nextState(record.state, event);
    this.#options.log.info("session", { session: record.id, from: record.state, to: state });
    return this.#write({ ...record, state });
  }

  #write(record: SessionRecord): SessionRecord {
    this.#options.store.updateSession(record);
    this.#watchers.notify(record);
    return record;
  }

  #writeActivity(id: string, lastActivityAt: Date): void {
    const record = this.#options.store.getSession(id);
    if (record !== undefined) this.#options.store.updateSession({ ...record, lastActivityAt });
  }

  #newRecord(request: CreateSession): SessionRecord {
    const { clock, access } = this.#options;
    const createdAt = clock.now();
    return {
      id: randomUUID(),
      name: request.name === "" ? inventSessionName() : checkSessionName(request.name),
      state: "CREATING",
      ownerType: access.identity.ownerType,
      ownerId: access.resolveOwner(request.ownerId),
      workspaceId: access.resolveWorkspace(request.workspaceId),
      projectId: access.resolveProject(request.projectId),
      createdAt,
      timeoutAt:
        request.maxDurationMs === undefined ? undefined : this.#endAfter(createdAt, request.maxDurationMs),
      allowInbound: request.allowInbound ?? defaultNetwork.allowInbound,
      allowOutbound: request.allowOutbound ?? defaultNetwork.allowOutbound,
      cpuCores: request.cpuCores ?? defaultResources.cpuCores,
      memoryMb: request.memoryMb ?? defaultResources.memoryMb,
      diskSizeGb: request.diskSizeGb ?? defaultResources.diskSizeGb,
      sticky: request.sticky,
      tags: [...new Set(request.tags)],
      metadata: request.metadata,
      volumes: [],
      idleTimeoutMinutes: request.idleTimeoutMinutes,
      pauseRetentionMs: request.pauseRetentionMs,
      env: request.env,
      sshAuthorizedKeys: request.sshAuthorizedKeys,
      image: request.image,
    };
  }

  #logFailure(id: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#options.log.error("a session could not be changed", { session: id, error: message });
  }
}
