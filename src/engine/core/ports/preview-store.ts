/** An address that leads to a port of a session. */
export interface PreviewRecord {
  readonly id: string;
  /**
   * `exposure`: a port for everybody, until its session ends. `name`: kept for a workspace, whatever session it
   * points at. `viewing`: a port for those who have been given a token.
   */
  readonly kind: "exposure" | "name" | "viewing";
  readonly protocol: "http" | "tcp";
  /** No two have the same. */
  readonly slug: string;
  /** Somebody asked for this slug; else it is one that cannot be guessed. */
  readonly slugAsked: boolean;
  /** What a gateway knows it by. */
  readonly token: string;
  /** Both or neither: a name may point at nothing. */
  readonly sessionId?: string | undefined;
  readonly port?: number | undefined;
  /** The port of this machine's loopback that it was last reached at. */
  readonly doorPort: number;
  readonly expiresAt?: Date | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastAccessedAt?: Date | undefined;
}

/** The record of previews: few enough to be read at once; durable when a call returns. */
export interface PreviewStore {
  allPreviews(): readonly PreviewRecord[];
  /** Inserts it, or replaces the one of its id as a whole. */
  putPreview(preview: PreviewRecord): void;
  /** One that is not there is no error. */
  deletePreview(id: string): void;
}
