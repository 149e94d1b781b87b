import type { SessionState } from "../../domain/session.js";
import type { WaitOptions } from "./waiting.js";

export interface VolumeMountConfig {
  readonly volumeId: string;
  readonly mountPath: string;
  readonly readOnly?: boolean | undefined;
}

export interface OpenCodeProviderConfig {
  readonly apiKey?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly npm?: string | undefined;
}

/** What a session is made with; whatever is left out is the service's default. */
export interface CreateOptions {
  readonly workspaceId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly name?: string | undefined;
  readonly allowInbound?: boolean | undefined;
  readonly allowOutbound?: boolean | undefined;
  /**
   * All that it may reach: `name`, `*.name`, an address or a network, each with `:port` or without. Of tenki's
   * engine; another service makes no session: `CapabilityUnavailableError`.
   */
  readonly allowEgress?: readonly string[] | undefined;
  /** 0 or unset = the service's default. */
  readonly maxDurationMs?: number | undefined;
  /** 0 = never paused for being idle. */
  readonly idleTimeoutMinutes?: number | undefined;
  readonly pauseRetentionMs?: number | undefined;
  readonly cpuCores?: number | undefined;
  readonly memoryMb?: number | undefined;
  readonly diskSizeGb?: number | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly sshAuthorizedKeys?: readonly string[] | undefined;
  /** A registry reference, or an object that carries one; `digestRef` wins over `ref`. */
  readonly image?: string | ImageRef | undefined;
  readonly snapshotId?: string | undefined;
  /** A template whose recipe is run for this session, without building an image. */
  readonly fromTemplateSpec?: string | { readonly id: string } | undefined;
  readonly setupEnv?: Readonly<Record<string, string>> | undefined;
  readonly setupSecrets?: Readonly<Record<string, string>> | undefined;
  readonly enableOpenCode?: boolean | undefined;
  readonly openCodeProvider?: OpenCodeProviderConfig | undefined;
  readonly cloneRepoUrl?: string | undefined;
  /** Reaches the sandbox as GH_TOKEN and GIT_TOKEN. */
  readonly githubToken?: string | undefined;
  readonly volumes?: readonly VolumeMountConfig[] | undefined;
  readonly sticky?: boolean | undefined;
  /** Default true: return when commands would run. */
  readonly waitReady?: boolean | undefined;
  /** Default 3 minutes; 2 hours with `fromTemplateSpec`. */
  readonly waitTimeoutMs?: number | undefined;
  /** Also wait for a template's runtime. */
  readonly waitForRuntime?: boolean | undefined;
  /** Ends the wait; the session stays. */
  readonly signal?: AbortSignal | undefined;
}

export interface ImageRef {
  readonly ref?: string | undefined;
  readonly digestRef?: string | undefined;
}

export interface ListOptions {
  readonly workspaceId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly includeTerminated?: boolean | undefined;
  /** Only sessions in one of these; those that the service cannot filter by are filtered here. */
  readonly states?: readonly SessionState[] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly sticky?: boolean | undefined;
  /** Stop after this many. Default: all. */
  readonly limit?: number | undefined;
}

export interface UpdateSessionOptions {
  readonly name?: string | undefined;
  /** Replaces the tags; an empty list clears them. */
  readonly tags?: readonly string[] | undefined;
  readonly sticky?: boolean | undefined;
  readonly maxDurationMs?: number | undefined;
}

export interface ForkOptions extends WaitOptions {
  /** Default: one that the service makes up. */
  readonly name?: string | undefined;
  /** Keep the snapshot that it is made of: its id is the new session's `sourceSnapshotId`. Default false. */
  readonly keepSnapshot?: boolean | undefined;
}
