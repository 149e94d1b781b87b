/** A session's credential as it waits for another client; it opens that session only, and only for minutes. */
export interface KeptCredential {
  /** Where the session is reached. */
  readonly endpoint: string;
  readonly credential: string;
  readonly receivedAt: number;
  readonly expiresAt: number;
  /** There is a shorter way to run commands than the contract's. */
  readonly hasLane?: boolean | undefined;
  /** A unix socket that has it, too. */
  readonly laneSocket?: string | undefined;
}

/** Spares the next client of the same user a call for each session. What it cannot keep it lets go of, silently. */
export interface CredentialKeeper {
  load(sessionId: string): KeptCredential | undefined;
  keep(sessionId: string, credential: KeptCredential): void;
}
