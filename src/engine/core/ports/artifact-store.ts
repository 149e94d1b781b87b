/** What an artifact's content is read from, and where it is written. */
export type ArtifactSource =
  /** A file of the session, as it is when it is asked for; absolute. */
  { readonly kind: "file"; readonly path: string };

/** Something of a session that a link can be given for. */
export interface ArtifactRecord {
  readonly id: string;
  readonly sessionId: string;
  readonly source: ArtifactSource;
  /** What a download says it is. */
  readonly contentType: string;
  readonly createdAt: Date;
}

/** The record of artifacts; durable when a call returns. A session's are gone from it when the session is TERMINATED. */
export interface ArtifactStore {
  insertArtifact(artifact: ArtifactRecord): void;
  getArtifact(id: string): ArtifactRecord | undefined;
  /** How many a session has. */
  countArtifacts(sessionId: string): number;
}
