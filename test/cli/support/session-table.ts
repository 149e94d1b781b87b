import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import {
  type CreateSessionRequest,
  type RunStart,
  type SandboxSession,
  SandboxSessionSchema,
  SessionState,
} from "../../../src/gen/tenki/sandbox/v1/sandbox_pb.js";

export interface StoredSession {
  readonly wire: SandboxSession;
  /** What is `/home/tenki` inside. */
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  /** Woken at each change of state. */
  readonly watchers: Set<() => void>;
}

/** A fixed clock: what is shown is the same in every run. */
export const now = 1_767_225_600n;

export const timestamp = (seconds: bigint) => create(TimestampSchema, { seconds });

/** The sessions of a service, with ids and times that are the same in every run. */
export class SessionTable {
  /** New sessions stay CREATING until a test says otherwise. */
  holdsNewOnes = false;
  /** A pause and a resume only begin. */
  isSlow = false;
  /** So many commands find that the session was paused just before they came. */
  pausesBeforeRun = 0;
  /** The `limited` page size, so that pages are met with few sessions. */
  pageSize = 3;
  /** A service that has nothing but the contract. */
  hidesStats = false;
  hidesEgress = false;
  /** What each session may reach that has a list, by its id. */
  readonly allowed = new Map<string, readonly string[]>();
  readonly created: CreateSessionRequest[] = [];
  readonly commands: RunStart[] = [];
  readonly authorizedKeys = new Map<string, readonly string[]>();
  /** A directory whose programs are found first. */
  path: string | undefined;
  readonly #sessions = new Map<string, StoredSession>();
  #closed = false;

  all(): Iterable<StoredSession> {
    return this.#sessions.values();
  }

  create(request: CreateSessionRequest): StoredSession {
    this.created.push(request);
    const id = `0190d3c5-0000-7000-8000-${String(this.#sessions.size + 1).padStart(12, "0")}`;
    const session: StoredSession = {
      wire: create(SandboxSessionSchema, {
        id,
        name: request.name || `session-${this.#sessions.size + 1}`,
        state: this.holdsNewOnes ? SessionState.CREATING : SessionState.RUNNING,
        ownerType: "USER",
        ownerId: "alice",
        workspaceId: "0190d3c5-0000-7000-8000-0000000000aa",
        projectId: "0190d3c5-0000-7000-8000-0000000000bb",
        createdAt: timestamp(now),
        readyAt: timestamp(now),
        cpuCores: request.cpuCores ?? 2,
        memoryMb: request.memoryMb ?? 4096,
        diskSizeGb: request.diskSizeGb ?? 10,
        inboundEnabled: request.allowInbound ?? false,
        outboundEnabled: request.allowOutbound ?? true,
        metadata: request.metadata,
        tags: request.tags,
        sticky: request.sticky,
      }),
      root: mkdtempSync(join(tmpdir(), "tenki-cli-session-")),
      env: request.env,
      watchers: new Set(),
    };
    this.#sessions.set(id, session);
    return session;
  }

  get(id: string): StoredSession {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new ConnectError(`session not found: ${id}`, Code.NotFound);
    return session;
  }

  /** For a call that needs it to run. */
  running(id: string): StoredSession {
    const session = this.get(id);
    const state = SessionState[session.wire.state];
    if (state === "RUNNING") return session;
    const message =
      state === "TERMINATED" ? `session ${id} is terminated` : `session ${id} is not running: state=${state}`;
    throw new ConnectError(message, Code.FailedPrecondition);
  }

  byName(name: string): StoredSession {
    for (const session of this.#sessions.values()) if (session.wire.name === name) return session;
    throw new Error(`no session is named ${name}`);
  }

  setState(session: StoredSession, state: SessionState): void {
    session.wire.state = state;
    if (state === SessionState.TERMINATED) session.wire.terminatedAt = timestamp(now);
    for (const wake of session.watchers) wake();
  }

  pause(id: string): StoredSession {
    const session = this.running(id);
    session.wire.pausedAt = timestamp(now);
    this.setState(session, this.isSlow ? SessionState.PAUSING : SessionState.PAUSED);
    return session;
  }

  resume(id: string): StoredSession {
    const session = this.get(id);
    if (session.wire.state !== SessionState.PAUSED) {
      const state = SessionState[session.wire.state];
      throw new ConnectError(`session is not paused (state=${state})`, Code.FailedPrecondition);
    }
    this.setState(session, this.isSlow ? SessionState.RESUMING : SessionState.RUNNING);
    return session;
  }

  terminate(id: string): StoredSession {
    const session = this.get(id);
    this.setState(session, SessionState.TERMINATED);
    return session;
  }

  /** Each state, the present one first, until it runs or has ended. */
  async *watch(id: string, signal: AbortSignal): AsyncGenerator<SandboxSession, void, undefined> {
    const session = this.get(id);
    for (;;) {
      const { state } = session.wire;
      yield session.wire;
      if (state === SessionState.RUNNING || state === SessionState.TERMINATED) return;
      while (session.wire.state === state) {
        if (signal.aborted || this.#closed) return;
        await new Promise<void>((resolve) => {
          session.watchers.add(resolve);
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
    }
  }

  close(): void {
    this.#closed = true;
    for (const { watchers } of this.#sessions.values()) for (const wake of watchers) wake();
  }
}
