import type { SessionState } from "../../../domain/session.js";
import type { SessionRecord } from "../ports/store.js";
import type { VolumeMount } from "../volumes/volume-requests.js";

export interface CreateSession {
  /** Empty: one is made up. */
  readonly name: string;
  readonly ownerId: string;
  readonly workspaceId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly allowInbound?: boolean | undefined;
  readonly allowOutbound?: boolean | undefined;
  /** All that it may reach; unset: what `allowOutbound` says. */
  readonly egress?: readonly string[] | undefined;
  /** Unset: it lives until it is terminated. */
  readonly maxDurationMs?: number | undefined;
  readonly idleTimeoutMinutes?: number | undefined;
  readonly pauseRetentionMs?: number | undefined;
  readonly cpuCores?: number | undefined;
  readonly memoryMb?: number | undefined;
  readonly diskSizeGb?: number | undefined;
  readonly sticky: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly sshAuthorizedKeys: readonly string[];
  /** What is cloned into it before it is ready; empty: nothing. */
  readonly cloneRepoUrl: string;
  /** Empty: the default image. */
  readonly image: string;
  /** What it starts from; what the request leaves out is as it was there. Default: the image alone. */
  readonly snapshotId?: string | undefined;
  /** What is mounted in it from the beginning. */
  readonly volumes: readonly VolumeMount[];
}

export interface UpdateSession {
  readonly name?: string | undefined;
  /** Empty: they stay, unless `clearTags`. */
  readonly tags: readonly string[];
  readonly clearTags: boolean;
  readonly sticky?: boolean | undefined;
  /** Counted from when the session began to run. */
  readonly maxDurationMs?: number | undefined;
}

export interface ListSessions {
  readonly ownerId?: string | undefined;
  readonly workspaceId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly states?: readonly SessionState[] | undefined;
  readonly includeTerminated: boolean;
  readonly tags: readonly string[];
  readonly sticky?: boolean | undefined;
  /** 0 = a default. */
  readonly pageSize: number;
  /** Empty: the first page. */
  readonly pageToken: string;
}

export interface SessionList {
  readonly sessions: readonly SessionRecord[];
  /** Empty: there are no more. */
  readonly nextPageToken: string;
}
