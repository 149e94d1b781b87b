import type { SshKeyPair } from "./ssh-keys.js";
import type { SessionInfo, SessionState } from "../../../domain/session.js";

/** A session as the record keeps it: what everybody may see, and what only the engine needs. */
export interface SessionRecord extends Omit<SessionInfo, "pauseSnapshot"> {
  /** The names that environment variables go by, with their values: never shown. */
  readonly env: Readonly<Record<string, string>>;
  /** The names of those whose values are kept out of the record. */
  readonly secretNames?: readonly string[] | undefined;
  /** Scheme, host and port that the session's own repository was cloned from, where that is HTTP. */
  readonly repositoryOrigin?: string | undefined;
  /** Where in the sandbox the repository lies that was cloned last. */
  readonly repositoryDirectory?: string | undefined;
  readonly sshAuthorizedKeys: readonly string[];
  /** By which its SSH server shows who it is; made when it is first needed. */
  readonly sshHostKey?: SshKeyPair | undefined;
  readonly image: string;
  /** All that it may reach, in the words of its list; unset: there is none. */
  readonly egress?: readonly string[] | undefined;
  readonly networkHandle?: string | undefined;
  readonly diskHandle?: string | undefined;
  /** What is on the disk that a paused session is kept with. */
  readonly pauseSnapshotBytes?: number | undefined;
  /** Paused, and nothing is left of it but its disk. */
  readonly processesLost?: boolean | undefined;
}

export interface SessionFilter {
  readonly ownerId?: string | undefined;
  readonly workspaceId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly states?: readonly SessionState[] | undefined;
  readonly includeTerminated: boolean;
  /** All of them must be there. */
  readonly tags: readonly string[];
  readonly sticky?: boolean | undefined;
}

export interface PageRequest {
  /** 1 to 100. */
  readonly size: number;
  /** Where the page before ended; absent = the newest. */
  readonly after?: SessionCursor | undefined;
}

export interface SessionCursor {
  readonly createdAtMs: number;
  readonly id: string;
}

export interface SessionPage {
  readonly sessions: readonly SessionRecord[];
  readonly next?: SessionCursor | undefined;
}

/** The record: written before what it records is acted on, durable when a call returns. */
export interface Store {
  insertSession(session: SessionRecord): void;
  /** Replaces the row as a whole; an id that is not there is `not_found`. */
  updateSession(session: SessionRecord): void;
  getSession(id: string): SessionRecord | undefined;
  /** Newest first. */
  listSessions(filter: SessionFilter, page: PageRequest): SessionPage;
  /** Every session that has not come to its end, whoever owns it. */
  liveSessions(): readonly SessionRecord[];
  /** Small facts about the engine itself: ids, keys. */
  getSetting(key: string): string | undefined;
  setSetting(key: string, value: string): void;
  close(): void;
}
