import { TenkiError } from "../../../domain/error.js";
import type { EgressUse } from "../../../domain/egress.js";
import { isTerminal } from "../../../domain/session.js";
import { KeyedMutex } from "../../../lib/keyed-mutex.js";
import type { Logger } from "../../../lib/logger.js";
import type { Access } from "../access/access.js";
import { readEgressUse, requireLists } from "./egress.js";
import { DueWork } from "./due-work.js";
import { readFirstClone } from "../git/clone-first.js";
import type { GitCall } from "../git/git-call.js";
import { newSession } from "./new-session.js";
import type { Clock } from "../ports/clock.js";
import type { SessionRecord, Store } from "../ports/store.js";
import { fromSource } from "./restored-session.js";
import type { SandboxParts } from "./sandbox-parts.js";
import { SessionBoots } from "./session-boots.js";
import { endAfter } from "./session-end.js";
import { SessionEnds } from "./session-ends.js";
import { listSessions } from "./list-sessions.js";
import { checkSessionName } from "./session-name.js";
import { SessionPauses } from "./session-pauses.js";
import { type Recovered, SessionRecovery } from "./session-recovery.js";
import type { CreateSession, ListSessions, SessionList, UpdateSession } from "./session-requests.js";
import { SessionSecrets, splitSecrets } from "./session-secrets.js";
import { SessionSnapshots } from "./session-snapshots.js";
import { SessionSsh } from "./session-ssh.js";
import { wrongState } from "./session-states.js";
import { messageOf, type SessionChanges, SessionTable } from "./session-table.js";
import { SessionUse } from "./session-use.js";
import { SessionVolumes } from "./session-volumes.js";
import type { Snapshots } from "../snapshots/snapshots.js";
import type { Volumes } from "../volumes/volumes.js";
import type { WorkspaceLimits } from "../workspace/workspace-limits.js";
import type { WorkspaceSettings } from "../workspace/workspace-settings.js";

export interface SessionsOptions {
  readonly store: Store;
  readonly parts: SandboxParts;
  readonly clock: Clock;
  readonly access: Access;
  readonly limits: WorkspaceLimits;
  readonly settings: WorkspaceSettings;
  readonly volumes: Volumes;
  readonly snapshots: Snapshots;
  readonly log: Logger;
  /** As in `SessionTableOptions`. */
  readonly onMove?: ((record: SessionRecord) => void) | undefined;
}

/** Every session of this engine: what may happen to it, one thing after another. */
export class Sessions {
  readonly secrets: SessionSecrets;
  readonly ssh: SessionSsh;
  readonly volumes: SessionVolumes;
  readonly snapshots: SessionSnapshots;
  readonly #options: SessionsOptions;
  readonly #table: SessionTable;
  readonly #ends: SessionEnds;
  readonly #pauses: SessionPauses;
  readonly #recovery: SessionRecovery;
  readonly #turns = new KeyedMutex();
  readonly #boots: SessionBoots;
  readonly #use: SessionUse;
  readonly #due: DueWork;
  #onNewDue: (at: Date) => void = () => undefined;
  #closing = false;

  constructor(options: SessionsOptions) {
    const { parts, clock, settings, log } = options;
    const turns = this.#turns;
    const table = new SessionTable(options);
    const secrets = new SessionSecrets(parts.runtime);
    const use = new SessionUse(table, clock);
    const { runtime } = parts;
    const volumes = new SessionVolumes({ table, runtime, volumes: options.volumes, turns, use });
    const snapshots = new SessionSnapshots({ table, parts, snapshots: options.snapshots, turns });
    const ends = new SessionEnds({ table, parts, clock, secrets, volumes });
    const boots = new SessionBoots({ table, parts, clock, ends, secrets, volumes, snapshots });
    const pauses = new SessionPauses({ table, parts, clock, use, settings, secrets, volumes });
    const recovery = new SessionRecovery({ table, parts, ends, pauses, turns, volumes, log });
    const ways = {
      end: (id: string, why: string) => ends.end(id, why),
      pause: (id: string) => this.#pauseNow(id),
      settle: (id: string) => recovery.settle(id),
    };
    this.#options = options;
    this.secrets = secrets;
    this.ssh = new SessionSsh(table);
    this.volumes = volumes;
    this.snapshots = snapshots;
    this.#table = table;
    this.#use = use;
    this.#ends = ends;
    this.#boots = boots;
    this.#pauses = pauses;
    this.#recovery = recovery;
    this.#due = new DueWork({ table, clock, turns, use, boots, ways });
  }

  /** Records a new session and begins to boot it; who wants it running watches it. */
  create(asked: CreateSession): SessionRecord {
    if (this.#closing) throw stopping();
    const { snapshotId } = asked;
    const request = snapshotId === undefined ? asked : fromSource(asked, this.snapshots.source(snapshotId));
    const { access, clock, limits, parts } = this.#options;
    if (request.egress !== undefined) requireLists(parts.network);
    const { env, secrets } = splitSecrets(request.env);
    const clone = readFirstClone(request.cloneRepoUrl);
    const session = newSession({ ...request, env }, access, clock.now());
    const record = {
      ...session,
      volumes: this.volumes.plan(session.id, request.volumes),
      secretNames: Object.keys(secrets),
      repositoryDirectory: clone?.clone?.directory,
      repositoryOrigin: clone?.clone?.repository.origin,
    };
    limits.checkCreate(record);
    this.#table.insert(record);
    if (snapshotId !== undefined) this.snapshots.plan(record.id, snapshotId);
    this.secrets.keep(record.id, secrets);
    void this.#boot(record.id, clone);
    if (record.timeoutAt !== undefined) this.#onNewDue(record.timeoutAt);
    return record;
  }

  /** As the record has it, whatever its state; an unknown id is `not_found`. */
  get(id: string): SessionRecord {
    return this.#table.get(id);
  }

  /** What a session may reach, and what it tried besides. */
  egress(id: string): Promise<EgressUse> {
    return readEgressUse(this.#options.parts.network, this.get(id));
  }

  /** The session, if a command can run in it now. */
  requireRunning(id: string): SessionRecord {
    return this.#use.requireRunning(id);
  }

  list(request: ListSessions): SessionList {
    return listSessions(this.#table, this.#options.access, request);
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

  /** Stops everything in it where it stands; resolves when it is PAUSED. */
  async pause(id: string): Promise<SessionRecord> {
    try {
      return await this.#turns.run(id, () => this.#pauseNow(id));
    } catch (error) {
      throw (await this.#explain(id)) ?? error;
    }
  }

  /** Resolves when it runs again; a failure leaves it PAUSED, and says why in the record. */
  resume(id: string): Promise<SessionRecord> {
    return this.#turns.run(id, async () => {
      if (this.#closing) throw stopping();
      this.#pauses.requirePaused(id);
      this.#options.limits.checkResume();
      return this.#boots.run(id, (signal) => this.#pauses.resume(id, signal));
    });
  }

  /** Ends a session for good; ending one that has ended is a success. `why` is kept where nobody asked for it. */
  async terminate(id: string, why?: string): Promise<SessionRecord> {
    this.get(id);
    this.#boots.callOff(id, why);
    return this.#turns.run(id, () => this.#ends.end(id, why));
  }

  /** Each session as it is after every change of its state, the present one first. */
  watch(id: string, signal: AbortSignal): AsyncIterable<SessionRecord> {
    return this.#table.watch(id, signal);
  }

  /** Which repository an operation is about that does not say. */
  noteRepository(id: string, repositoryDirectory: string): Promise<SessionRecord> {
    return this.#changeLive(id, () => ({ repositoryDirectory }));
  }

  reportActivity(id: string): Date {
    this.requireRunning(id);
    return this.#table.touch(id);
  }

  /**
   * Makes a session busy until the returned function is called: it is not paused for being idle. Beginning and
   * end count as activity. Calling it again does nothing.
   */
  hold(id: string): () => void {
    return this.#use.hold(id);
  }

  /** A call into the running sandbox begins: until `leave` it is busy, and a pause waits a little for it. */
  enter(id: string): { readonly session: SessionRecord; readonly leave: () => void } {
    return this.#use.enter(id);
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
  recover(): Promise<Recovered> {
    return this.#recovery.recover();
  }

  /** How many sessions are not over. */
  countLive(): number {
    return this.#table.live().length;
  }

  /** Calls `listener` with each end that a session is given. */
  onNewDue(listener: (at: Date) => void): void {
    this.#onNewDue = listener;
  }

  /**
   * Begins to do what is due: ends what is past its time, pauses what is idle, takes up what could not be done
   * before. Resolves with when to look next.
   */
  async attendDue(): Promise<Date | undefined> {
    try {
      return this.#due.begin();
    } catch (error) {
      this.#options.log.error("cannot look for sessions that are due", { error: messageOf(error) });
      return undefined;
    }
  }

  /** Ends what is being booted, lets what is being done finish, and writes what is kept in memory only. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#boots.callOffAll("the engine stopped while it was created");
    await this.#turns.idle();
    this.#table.flush();
  }

  async #boot(id: string, clone: GitCall | undefined): Promise<void> {
    try {
      await this.#boots.run(id, (signal) => this.#turns.run(id, () => this.#boots.boot(id, signal, clone)));
    } catch (error) {
      this.#table.logFailure(id, error);
    }
  }

  async #pauseNow(id: string): Promise<SessionRecord> {
    const paused = await this.#pauses.pause(id);
    if (paused.pauseExpiresAt !== undefined) this.#onNewDue(paused.pauseExpiresAt);
    return paused;
  }

  /** Why a pause could not be, where the sandbox is gone. */
  async #explain(id: string): Promise<TenkiError | undefined> {
    const { state } = await this.observe(id).catch(() => ({ state: "RUNNING" as const }));
    return isTerminal(state) ? new TenkiError("failed_precondition", wrongState(state)) : undefined;
  }

  #changeLive(id: string, change: (record: SessionRecord) => SessionChanges): Promise<SessionRecord> {
    return this.#turns.run(id, async () => {
      const record = this.get(id);
      if (isTerminal(record.state)) throw new TenkiError("failed_precondition", wrongState(record.state));
      const changes = change(record);
      const changed = this.#table.change(id, changes);
      if (changes.timeoutAt !== undefined) this.#onNewDue(changes.timeoutAt);
      return changed;
    });
  }

  #end(from: Date, durationMs: number): Date {
    return endAfter(from, durationMs, this.#options.clock.now());
  }
}

const stopping = (): TenkiError => new TenkiError("unavailable", "the engine is stopping");
