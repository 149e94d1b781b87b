import type { Identity } from "../domain/identity.js";
import type { SessionInfo } from "../domain/session.js";
import type { ClientOptions, CreateOptions, ListOptions, UpdateSessionOptions } from "./options.js";
import type { Session } from "./session.js";

export interface TerminateManyResult {
  readonly terminated: readonly SessionInfo[];
  readonly failures: readonly { readonly sessionId: string; readonly message: string }[];
}

/** The way in: holds a connection to one service, opened at the first call. */
export declare class Client implements AsyncDisposable {
  /** Opens nothing. Throws `MissingAuthTokenError` where no token is to be had. */
  constructor(options?: ClientOptions);
  /** The service's address, as it was resolved. */
  readonly endpoint: string;

  /** Makes a session and waits until commands would run (unless `waitReady: false`). */
  create(options?: CreateOptions): Promise<Session>;
  createAndWait(options?: CreateOptions & { readonly timeoutMs?: number | undefined }): Promise<Session>;
  get(sessionId: string): Promise<Session>;
  /** A handle without a call: what it is and whether it exists shows at first use. */
  session(sessionId: string): Session;
  /** All of them, newest first, over all pages. */
  list(options?: ListOptions): Promise<Session[]>;
  updateSession(sessionId: string, options: UpdateSessionOptions): Promise<Session>;
  terminate(sessionId: string): Promise<SessionInfo>;
  terminateMany(sessionIds: readonly string[]): Promise<TerminateManyResult>;
  whoAmI(): Promise<Identity>;
  /** Closes the connections; sessions live on. */
  close(): void;
  [Symbol.asyncDispose](): Promise<void>;
}
