/** Where a volume is to be seen in a session. */
export interface VolumeMount {
  readonly volumeId: string;
  readonly mountPath: string;
  readonly readonly: boolean;
}

export interface CreateVolume {
  readonly name: string;
  readonly sizeBytes: number;
  readonly workspaceId?: string | undefined;
  readonly projectId?: string | undefined;
}

export interface UpdateVolume {
  readonly name?: string | undefined;
  /** Empty: they stay, unless `clearTags`. */
  readonly tags: readonly string[];
  readonly clearTags: boolean;
}

export interface ListVolumes {
  readonly workspaceId?: string | undefined;
  readonly projectId?: string | undefined;
  /** 0 = a default. */
  readonly pageSize: number;
  /** Empty: the first page. */
  readonly pageToken: string;
}
