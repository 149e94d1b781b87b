export interface CreateSnapshot {
  readonly name?: string | undefined;
  /** Default: after the workspace's `snapshot_retention`; where that is not set, never. */
  readonly expiresAt?: Date | undefined;
  /** Answer before it is taken. */
  readonly async: boolean;
}

export interface UpdateSnapshot {
  readonly name?: string | undefined;
  readonly expiresAt?: Date | undefined;
  readonly clearExpiresAt: boolean;
  /** Empty: they stay, unless `clearTags`. */
  readonly tags: readonly string[];
  readonly clearTags: boolean;
}

export interface ListSnapshots {
  readonly sessionId?: string | undefined;
  /** Only those whose session is over. */
  readonly dangling?: boolean | undefined;
  readonly workspaceId?: string | undefined;
  readonly projectId?: string | undefined;
  /** 0 = a default. */
  readonly pageSize: number;
  /** Empty: the first page. */
  readonly pageToken: string;
}
