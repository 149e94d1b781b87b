import { TenkiError } from "../../domain/error.js";
import { isTerminal } from "../../domain/session.js";
import { KeyedMutex } from "../../lib/keyed-mutex.js";
import type { Logger } from "../../lib/logger.js";
import type { Access } from "./access.js";
import { ActivityLog } from "./activity-log.js";
import { defaultPageSize } from "./limits.js";
import { newSession } from "./new-session.js";
import { decodePageToken, encodePageToken } from "./page-token.js";
import type { Clock } from "./ports/clock.js";
import type { SessionFilter, SessionRecord, Store } from "./ports/store.js";
import { bootSandbox, removeSandbox, type SandboxParts } from "./sandbox-parts.js";
import { endAfter } from "./session-end.js";
import { checkSessionName } from "./session-name.js";
import type { CreateSession, ListSessions, SessionList, UpdateSession } from "./session-requests.js";
import { nextState, type SessionEvent, wrongState } from "./session-states.js";
import { SessionWatchers } from "./session-watchers.js";
import type { WorkspaceLimits } from "./workspace-limits.js";

export interface SessionsOptions {
  readonly store: Store;
  readonly parts: SandboxParts;
  readonly clock: Clock;
  readonly access: Access;
  readonly limits: WorkspaceLimits;
  readonly log: Logger;
}

type SessionChanges = Partial<Omit<SessionRecord, "id" | "state">>;

/** Every session of this engine: what may happen to it, one thing after another. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #turns = new KeyedMutex();
  readonly #watchers = new SessionWatchers();
  readonly #boots = new Map<string, AbortController>();
  readonly #activity: ActivityLog;
  /** Being ended because it was due, so that no second attempt queues up behind a slow one. */
  readonly #ending = new Set<string>();
  /** Taken apart, but not recorded so yet: their handles may be somebody else's by now. */
  readonly #removed = new Set<string>();
  #onNewEnd: (end: Date) => void = () => undefined;
  #closing = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#activity = new ActivityLog(options.clock, (id, at) => this.#writeActivity(id, at));
  }

  /** Records a new session and begins to boot it; who wants it running watches it. */
  create(request: CreateSession): SessionRecord {
    if (this.#closing) throw new TenkiError("unavailable", "the engine is stopping");
    const { store, access, clock, limits } = this.#options;
    const record = newSession(request, access, clock.now());
    limits.checkCreate(record);
    store.insertSession(record);
    const abort = new AbortController();
    this.#boots.set(record.id, abort);
    void this.#boot(record.id, abort.signal);
    if (record.timeoutAt !== undefined) this.#onNewEnd(record.timeoutAt);
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
      states: request.states?.length === 0 ? undefined : request.states,
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
    const { name, tags, clearTags, sticky, maxDurationMs } = request;
    return this.#changeLive(id, (record) => {
      const { readyAt, createdAt } = record;
      if (sticky === true) this.#options.limits.checkSticky(record);
      return {
        ...(name === undefined ? {} : { name: checkSessionName(name) }),
        ...(clearTags || tags.length > 0 ? { tags: clearTags ? [] : [...new Set(tags)] } : {}),
        ...(sticky === undefined ? {} : { sticky }),
        ...(maxDurationMs === undefined ? {} : { timeoutAt: this.#end(readyAt ?? createdAt, maxDurationMs) }),
      };
    });
  }

  /** Moves the session's end; one that had none ends so long from now. */
  extend(id: string, additionalMs: number): Promise<SessionRecord> {
    return this.#changeLive(id, ({ timeoutAt }) => ({
      timeoutAt: this.#end(timeoutAt ?? this.#options.clock.now(), additionalMs),
    }));
  }

  /** Ends a session for good; ending one that has ended is a success. `why` is kept where nobody asked for it. */
  async terminate(id: string, why?: string): Promise<SessionRecord> {
    this.get(id);
    this.#boots.get(id)?.abort(new BootEnded(why));
    return this.#turns.run(id, () => this.#terminateNow(id, why));
  }

  /** Each session as it is after every change of its state, the present one first. */
  watch(id: string, signal: AbortSignal): AsyncIterable<SessionRecord> {
    this.get(id);
    return this.#watchers.watch(id, () => this.get(id), signal);
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

  /**
   * After a start, before anything is created: holds the record against what is there, finishes what was half
   * done, removes what is nobody's.
   */
  async recover(): Promise<{ readonly running: number; readonly ended: number }> {
    const { store, parts, log } = this.#options;
    const ended = await Promise.all(store.liveSessions().map((record) => this.#recoverOne(record)));
    const kept = store.liveSessions();
    const handles = (pick: (record: SessionRecord) => string | undefined) =>
      new Set(kept.flatMap((record) => pick(record) ?? []));
    await parts.runtime.sweep(handles(({ id }) => id));
    await parts.network.sweep(handles(({ networkHandle }) => networkHandle));
    await parts.disks.sweep(handles(({ diskHandle }) => diskHandle));
    const running = kept.filter(({ state }) => state === "RUNNING").length;
    const outcome = { running, ended: ended.filter(Boolean).length };
    log.info("recovered", outcome);
    return outcome;
  }

  /** How many sessions are not over. */
  countLive(): number {
    return this.#options.store.liveSessions().length;
  }

  /** Calls `listener` with each end that a session is given. */
  onNewEnd(listener: (end: Date) => void): void {
    this.#onNewEnd = listener;
  }

  /** Begins to end what is past its time, and what could not be ended before; resolves with when to look next. */
  async endOverdue(): Promise<Date | undefined> {
    try {
      const now = this.#options.clock.now();
      const live = this.#options.store.liveSessions();
      for (const record of live) if (this.#whyDue(record) !== undefined) void this.#endDue(record.id);
      const ends = live.flatMap(({ timeoutAt }) => (timeoutAt && timeoutAt > now ? timeoutAt.getTime() : []));
      return ends.length === 0 ? undefined : new Date(Math.min(...ends));
    } catch (error) {
      this.#options.log.error("cannot look for sessions that are due", { error: messageOf(error) });
      return undefined;
    }
  }

  /** Ends what is being booted, lets what is being done finish, and writes what is kept in memory only. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const boot of this.#boots.values())
      boot.abort(new BootEnded("the engine stopped while it was created"));
    await this.#turns.idle();
    this.#activity.flush();
  }

  async #boot(id: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#turns.run(id, () => this.#bootNow(id, signal));
    } catch (error) {
      this.#logFailure(id, error);
    } finally {
      this.#boots.delete(id);
    }
  }

  async #bootNow(id: string, signal: AbortSignal): Promise<void> {
    const { parts, clock } = this.#options;
    try {
      await bootSandbox(parts, this.get(id), (handles) => void this.#change(id, handles), signal);
      const now = clock.now();
      this.#move(id, "booted", { readyAt: now, lastActivityAt: now });
    } catch (error) {
      const reason: unknown = signal.reason;
      if (!(reason instanceof BootEnded)) this.#logFailure(id, error);
      await this.#terminateNow(id, reason instanceof BootEnded ? reason.why : messageOf(error));
    }
  }

  async #terminateNow(id: string, why: string | undefined): Promise<SessionRecord> {
    const record = this.get(id);
    if (record.state === "TERMINATED") return record;
    const ending =
      record.state === "TERMINATING" ? record : this.#move(id, "terminate", { terminalError: why });
    if (!this.#removed.has(id)) await removeSandbox(this.#options.parts, ending);
    this.#removed.add(id);
    const terminatedAt = this.#options.clock.now();
    const ended = this.#move(id, "terminated", {
      terminatedAt,
      networkHandle: undefined,
      diskHandle: undefined,
    });
    this.#removed.delete(id);
    return ended;
  }

  async #endDue(id: string): Promise<void> {
    if (this.#ending.has(id)) return;
    this.#ending.add(id);
    try {
      this.#boots.get(id)?.abort(new BootEnded(overtime));
      await this.#turns.run(id, async () => {
        // It may have been given more time while this waited for its turn.
        const why = this.#whyDue(this.get(id));
        if (why !== undefined) await this.#terminateNow(id, why);
      });
    } catch (error) {
      this.#logFailure(id, error);
    } finally {
      this.#ending.delete(id);
    }
  }

  /** Why a session has to be ended now; undefined where it has not. */
  #whyDue({ id, state, timeoutAt }: SessionRecord): string | undefined {
    if (timeoutAt !== undefined && timeoutAt <= this.#options.clock.now()) return overtime;
    const abandoned = state === "TERMINATING" || (state === "CREATING" && !this.#boots.has(id));
    return abandoned ? "it could not be created" : undefined;
  }

  /** True where the session did not survive. */
  async #recoverOne({ id, state }: SessionRecord): Promise<boolean> {
    try {
      if (state === "RUNNING" && (await this.#options.parts.runtime.isRunning(id))) return false;
      await this.terminate(
        id,
        state === "CREATING"
          ? "the engine stopped while it was created"
          : "its sandbox was gone when the engine started",
      );
      return true;
    } catch (error) {
      this.#logFailure(id, error);
      return false;
    }
  }

  #changeLive(id: string, change: (record: SessionRecord) => SessionChanges): Promise<SessionRecord> {
    return this.#turns.run(id, async () => {
      const record = this.get(id);
      if (isTerminal(record.state)) throw new TenkiError("failed_precondition", wrongState(record.state));
      const changes = change(record);
      const changed = this.#change(id, changes);
      if (changes.timeoutAt !== undefined) this.#onNewEnd(changes.timeoutAt);
      return changed;
    });
  }

  #end(from: Date, durationMs: number): Date {
    return endAfter(from, durationMs, this.#options.clock.now());
  }

  #change(id: string, changes: SessionChanges): SessionRecord {
    const record = { ...this.get(id), ...changes };
    this.#options.store.updateSession(record);
    return record;
  }

  /** The one way to another state; who watches is told after the record knows. */
  #move(id: string, event: SessionEvent, changes: SessionChanges): SessionRecord {
    const before = this.get(id);
    const record = { ...before, ...changes, state: nextState(before.state, event) };
    this.#options.store.updateSession(record);
    this.#options.log.info("session", { session: id, from: before.state, to: record.state });
    this.#watchers.notify(record);
    return record;
  }

  #writeActivity(id: string, lastActivityAt: Date): void {
    try {
      const record = this.#options.store.getSession(id);
      if (record !== undefined) this.#options.store.updateSession({ ...record, lastActivityAt });
    } catch (error) {
      this.#logFailure(id, error);
      throw error;
    }
  }

  #logFailure(id: string, error: unknown): void {
    this.#options.log.error("a session could not be changed", { session: id, error: messageOf(error) });
  }
}

/** Why a boot does not go on; without `why`, somebody asked for that. */
class BootEnded extends TenkiError {
  readonly why: string | undefined;

  constructor(why: string | undefined) {
    super("aborted", why ?? "it was terminated");
    this.why = why;
  }
}

const overtime = "it reached its max_duration";

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
