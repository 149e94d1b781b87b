/** A name under which a session's port can be opened, and which can move from one session to another. */
export interface PreviewUrl {
  readonly id: string;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly ownerId: string;
  readonly slug: string;
  readonly token: string;
  readonly previewUrl: string;
  /** Unset while it is bound to nothing. */
  readonly sessionId?: string | undefined;
  readonly port?: number | undefined;
  readonly createdAt?: Date | undefined;
  readonly updatedAt?: Date | undefined;
  readonly lastAccessedAt?: Date | undefined;
}

/** A port of a session that can be reached from outside. */
export interface ExposedPort {
  readonly port: number;
  readonly previewUrl: string;
  /** Unset = as long as the session lives. */
  readonly expiresAt?: Date | undefined;
  readonly previewUrlId?: string | undefined;
  readonly slug?: string | undefined;
}

/** A link to a port that opens for whoever has it, and for nobody else. */
export interface PreviewLink {
  readonly port: number;
  /** With the token in it. */
  readonly previewUrl: string;
  readonly viewerToken: string;
  readonly expiresAt?: Date | undefined;
}
