import type { Identity } from "../domain/identity.js";
import type { SessionInfo } from "../domain/session.js";
import type { SessionStats } from "../domain/session-stats.js";
import { identityFromWire } from "./convert/identity.js";
import { sessionFromWire } from "./convert/session.js";
import { createSession } from "./create-session.js";
import { listSessions } from "./list-sessions.js";
import type { ClientOptions } from "./options/client.js";
import type { CreateOptions, ListOptions, UpdateSessionOptions } from "./options/sessions.js";
import { ResourceCalls } from "./resource-calls.js";
import { type CallSettings, Rpc } from "./rpc.js";
import { Session } from "./session.js";
import { getStats } from "./stats.js";
import { resolveSettings } from "./settings.js";
import { rotateSshAuthority, type SSHAuthority } from "./ssh-authority.js";
import type { SSHConnection } from "./ssh-connection.js";
import type { SSHOptions } from "./ssh.js";
import {
  findSshGateway,
  findSshWay,
  type IssueSSHCertOptions,
  type SSHCert,
  type SSHWay,
} from "./ssh-gateway.js";

export interface TerminateManyResult {
  readonly terminated: readonly SessionInfo[];
  readonly failures: readonly { readonly sessionId: string; readonly message: string }[];
}

/** The most that one call takes. */
const terminateAtOnce = 100;

/** The way in: holds the connections to one service, each opened at the first call. */
export class Client extends ResourceCalls implements AsyncDisposable {
  /** The service's address, as it was resolved. */
  readonly endpoint: string;
  readonly #rpc: Rpc;

  /** Opens nothing. Throws `MissingAuthTokenError` where no token is to be had. */
  constructor(options: ClientOptions = {}) {
    const rpc = new Rpc(resolveSettings(options));
    super(rpc);
    this.#rpc = rpc;
    this.endpoint = rpc.settings.endpoint;
  }

  /** Makes a session and waits until commands would run (unless `waitReady: false`). */
  create(options: CreateOptions = {}): Promise<Session> {
    return createSession(this.#rpc, options);
  }

  createAndWait(options: CreateOptions & { readonly timeoutMs?: number | undefined } = {}): Promise<Session> {
    const { timeoutMs, ...rest } = options;
    return this.create({ ...rest, waitReady: true, waitTimeoutMs: timeoutMs ?? rest.waitTimeoutMs });
  }

  async get(sessionId: string): Promise<Session> {
    const { session } = await this.#rpc.sandbox("getSession", { sessionId });
    return new Session(this.#rpc, sessionFromWire(session));
  }

  /** A handle without a call: what it is, and whether it is there at all, shows at first use. */
  session(sessionId: string): Session {
    return new Session(this.#rpc, sessionId);
  }

  /** All of them, newest first, over all pages. */
  async list(options: ListOptions = {}): Promise<Session[]> {
    return (await listSessions(this.#rpc, options)).map((info) => new Session(this.#rpc, info));
  }

  async updateSession(sessionId: string, change: UpdateSessionOptions): Promise<Session> {
    const session = this.session(sessionId);
    await session.update(change);
    return session;
  }

  terminate(sessionId: string): Promise<SessionInfo> {
    return this.session(sessionId).close();
  }

  async terminateMany(sessionIds: readonly string[]): Promise<TerminateManyResult> {
    const terminated: SessionInfo[] = [];
    const failures: { sessionId: string; message: string }[] = [];
    for (let done = 0; done < sessionIds.length; done += terminateAtOnce) {
      const some = sessionIds.slice(done, done + terminateAtOnce);
      const answer = await this.#rpc.sandbox("terminateSessions", { sessionIds: some });
      terminated.push(...answer.sessions.map(sessionFromWire));
      failures.push(...answer.failures.map(({ sessionId, message }) => ({ sessionId, message })));
    }
    return { terminated, failures };
  }

  /**
   * What sessions use of the machine, without a word to them; without ids all that are not over. A service other
   * than tenki's engine may not tell: `CapabilityUnavailableError`.
   */
  getStats(sessionIds: readonly string[] = [], options?: CallSettings): Promise<SessionStats[]> {
    return getStats(this.#rpc, sessionIds, options);
  }

  async whoAmI(): Promise<Identity> {
    return identityFromWire(await this.#rpc.sandbox("whoAmI", {}));
  }

  /** A raw byte stream to a session's SSH server. */
  ssh(sessionId: string, how?: SSHOptions): Promise<SSHConnection> {
    return this.session(sessionId).ssh(how);
  }

  /** As `findSshGateway`, and a shorter way where the engine has one. */
  findSshWay(signal?: AbortSignal): Promise<SSHWay> {
    return findSshWay(this.#rpc, signal);
  }

  /** The address of the gateway that SSH goes through, for `SSHOptions`. */
  findSshGateway(signal?: AbortSignal): Promise<string> {
    return findSshGateway(this.#rpc, signal);
  }

  issueSandboxSSHCert(sessionId: string, publicKey: string, options?: IssueSSHCertOptions): Promise<SSHCert> {
    return this.session(sessionId).issueSshCert(publicKey, options);
  }

  /** Of tenki's engine: it signs with a new key from now on. Others: `CapabilityUnavailableError`. */
  rotateSshAuthority(): Promise<SSHAuthority> {
    return rotateSshAuthority(this.#rpc);
  }

  /** Closes the connections; sessions live on. */
  close(): void {
    this.#rpc.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}
