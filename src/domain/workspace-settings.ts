/** What holds for all sessions of a workspace. A limit that is unset bounds nothing. */
export interface WorkspaceSettings {
  /** How long a paused session is kept where it does not say so itself; unset = until it is terminated. */
  readonly pauseRetentionMs?: number | undefined;
  /** How long a snapshot is kept where it does not say so itself; unset = until it is deleted. */
  readonly snapshotRetentionMs?: number | undefined;
  readonly maxSnapshots?: number | undefined;
  readonly maxTemplates?: number | undefined;
  readonly maxVolumes?: number | undefined;
  /** Of the disks of sessions, of snapshots and of volumes together. */
  readonly maxTotalBytes?: number | undefined;
  /** Sessions that hold a sandbox; a paused one does not count. */
  readonly maxConcurrentSessions?: number | undefined;
  readonly maxStickySessions?: number | undefined;
  readonly maxPreviewUrlsPerProject?: number | undefined;
  readonly maxPreviewUrlsPerWorkspace?: number | undefined;
}

/** Unset: it stays as it is; null: there is none any more. */
export type WorkspaceSettingsChange = {
  readonly [K in keyof WorkspaceSettings]?: WorkspaceSettings[K] | null;
};

/** By the contract's names without their case. */
export const workspaceSettingNames = [
  "pauseRetentionMs",
  "snapshotRetentionMs",
  "maxSnapshots",
  "maxTemplates",
  "maxVolumes",
  "maxTotalBytes",
  "maxConcurrentSessions",
  "maxStickySessions",
  "maxPreviewUrlsPerProject",
  "maxPreviewUrlsPerWorkspace",
] as const satisfies readonly (keyof WorkspaceSettings)[];
