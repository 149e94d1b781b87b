import type { SessionInfo, SessionState } from "../domain/session.js";
import { sessionFromWire } from "./convert/session.js";
import { dateFromWire, millisToWire } from "./convert/time.js";
import { DataPlane } from "./data-plane.js";
import { SandboxError, SessionNotFoundError, SessionTerminatedError } from "./errors.js";
import type { UpdateSessionOptions } from "./options/sessions.js";
import type { Rpc } from "./rpc.js";
import {
  refuseNotPaused,
  refuseNotResumed,
  refuseUnready,
  type SessionWait,
  waitState,
  watchSession,
} from "./wait.js";

/** What a session is and how it lives: what was last heard of it, its changes, its waits and its end. */
export class SessionLife implements AsyncDisposable {
  readonly id: string;
  /** The way to the sandbox itself. */
  readonly dataPlane: DataPlane;
  readonly #rpc: Rpc;
  #info: SessionInfo | undefined;

  constructor(rpc: Rpc, known: SessionInfo | string) {
    this.id = typeof known === "string" ? known : known.id;
    this.#info = typeof known === "string" ? undefined : known;
    this.#rpc = rpc;
    this.dataPlane = new DataPlane(rpc, this.id);
  }

  /** What was last heard of it; throws on a bare handle before the first `refresh`. */
  get info(): SessionInfo {
    if (this.#info !== undefined) return this.#info;
    throw new SandboxError(
      "failed_precondition",
      `nothing was asked about session ${this.id} yet: refresh it first`,
    );
  }

  get name(): string {
    return this.info.name;
  }

  get state(): SessionState {
    return this.info.state;
  }

  async refresh(): Promise<SessionInfo> {
    return this.#heard(await this.#rpc.sandbox("getSession", { sessionId: this.id }));
  }

  /** Until it is RUNNING (default 3 minutes); throws where it ends, or rests, instead. */
  async waitReady(timeoutMs?: number, signal?: AbortSignal): Promise<SessionInfo> {
    return this.#wait({ until: "RUNNING", timeoutMs, signal, refuse: refuseUnready });
  }

  /** Until a pause has ended; throws where it runs on, or ends, instead. */
  async waitPaused(timeoutMs?: number, signal?: AbortSignal): Promise<SessionInfo> {
    return this.#wait({ until: "PAUSED", timeoutMs, signal, refuse: refuseNotPaused });
  }

  /** Until a resume has ended; throws `ResumeFailedError` where it went back to PAUSED. */
  async waitResumed(timeoutMs?: number, signal?: AbortSignal): Promise<SessionInfo> {
    return this.#wait({ until: "RUNNING", timeoutMs, signal, refuse: refuseNotResumed });
  }

  /** Each change of state, the present one first; ends with RUNNING or the session's end. */
  async *watch(signal?: AbortSignal): AsyncGenerator<SessionInfo, void, undefined> {
    for await (const info of watchSession(this.#rpc, this.dataPlane, signal)) yield (this.#info = info);
  }

  async extend(additionalMs: number): Promise<SessionInfo> {
    const additionalDuration = millisToWire(additionalMs);
    return this.#heard(await this.#rpc.sandbox("extendSession", { sessionId: this.id, additionalDuration }));
  }

  async update(change: UpdateSessionOptions): Promise<SessionInfo> {
    const { name, tags, sticky, maxDurationMs } = change;
    const [clearTags, maxDuration] = [tags?.length === 0, millisToWire(maxDurationMs)];
    const request = { sessionId: this.id, name, tags: [...(tags ?? [])], clearTags, sticky, maxDuration };
    return this.#heard(await this.#rpc.sandbox("updateSession", request));
  }

  updateTags(tags: readonly string[]): Promise<SessionInfo> {
    return this.update({ tags });
  }

  /** Stops everything in it where it stands; `waitPaused` waits where the answer is PAUSING. */
  async pause(): Promise<SessionInfo> {
    return this.#heard(await this.#rpc.sandbox("pauseSession", { sessionId: this.id }));
  }

  /** Lets it go on where it stood; `waitResumed` waits where the answer is RESUMING. */
  async resume(): Promise<SessionInfo> {
    return this.#heard(await this.#rpc.sandbox("resumeSession", { sessionId: this.id }));
  }

  /** Tells the service that somebody is at work, so that it does not count as idle. */
  async reportActivity(): Promise<Date> {
    const { lastActivityAt } = await this.#rpc.sandbox("reportSessionActivity", { sessionId: this.id });
    return dateFromWire(lastActivityAt) ?? new Date();
  }

  /** Terminates it. */
  async close(): Promise<SessionInfo> {
    return this.#heard(await this.#rpc.sandbox("terminateSession", { sessionId: this.id }));
  }

  /** As `close`, and does not mind when it has ended already. */
  async closeIfOpen(): Promise<void> {
    try {
      await this.close();
    } catch (error) {
      if (!(error instanceof SessionNotFoundError || error instanceof SessionTerminatedError)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeIfOpen();
  }

  async #wait(wait: Omit<SessionWait, "known">): Promise<SessionInfo> {
    const known = this.#info?.state;
    return (this.#info = await waitState(this.#rpc, this.dataPlane, { ...wait, known }));
  }

  #heard(answer: { readonly session?: Parameters<typeof sessionFromWire>[0] }): SessionInfo {
    return (this.#info = sessionFromWire(answer.session));
  }
}
