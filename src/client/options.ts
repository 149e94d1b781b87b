import type { SessionState } from "../domain/session.js";
import type { BurstOutlet } from "./burst-outlet.js";
import type { CredentialKeeper } from "./credential-keeper.js";
import type { TerminalSize } from "../domain/command.js";
import type { ConnectionState } from "./running-command.js";

/** PEM text, or several of them. */
export type RootCertificates = string | Uint8Array | readonly (string | Uint8Array)[];

/** What `--verbose` shows of a request; it never holds a token or a credential. */
export interface RequestRecord {
  /** Service and method: `SandboxService.GetSession`. */
  readonly method: string;
  readonly endpoint: string;
  readonly durationMs: number;
  /** The status code's name and the message, where the call failed. */
  readonly error?: string;
}

export interface ClientOptions {
  /** Default: TENKI_AUTH_TOKEN, then TENKI_API_KEY. */
  readonly authToken?: string | undefined;
  /** Default: TENKI_API_ENDPOINT, then TENKI_API_URL, then https://api.tenki.cloud. */
  readonly baseUrl?: string | undefined;
  /** The SSH gateway's WebSocket address. Default: TENKI_SANDBOX_GATEWAY_URL, then discovery, then the API's host. */
  readonly gatewayAddress?: string | undefined;
  /** Needed by service credentials only: a key belongs to one workspace. */
  readonly workspaceId?: string | undefined;
  /** Deprecated by the service, and still sent where it is given. */
  readonly projectId?: string | undefined;
  /** How long a call may take that names no bound of its own. Default 30 s. */
  readonly timeoutMs?: number | undefined;
  /** How long a session's data plane may take until it answers. Default 60 s. */
  readonly dataPlaneReadyTimeoutMs?: number | undefined;
  /** Trusted instead of the system's, for a service with a certificate of its own. */
  readonly rootCertificates?: RootCertificates | undefined;
  /** Where the defaults above come from. Default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where sessions' credentials wait for the next client. Default: nowhere. */
  readonly credentials?: CredentialKeeper | undefined;
  /** Asked where the service is when the connection to it was lost; undefined: not there now. Default: where it was. */
  readonly findEndpoint?: (() => Promise<string | undefined>) | undefined;
  /** Called once for every request that has ended. */
  readonly onRequest?: ((request: RequestRecord) => void) | undefined;
}

/** How long to wait, and what ends the wait early. */
export interface WaitOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ForkOptions extends WaitOptions {
  /** Default: one that the service makes up. */
  readonly name?: string | undefined;
  /** Keep the snapshot that it is made of: its id is the new session's `sourceSnapshotId`. Default false. */
  readonly keepSnapshot?: boolean | undefined;
}

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

export interface StartOptions {
  /** A relative path resolves under the home directory. */
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** As root. */
  readonly privileged?: boolean | undefined;
  /** A terminal of this size in place of three pipes; all output then comes as stdout. */
  readonly terminal?: TerminalSize | undefined;
  /** The service ends the command after this long. Default 0 = never. */
  readonly timeoutMs?: number | undefined;
  /** Default false: the command's stdin is at its end from the start. */
  readonly stdin?: boolean | undefined;
  /** Ends the command and the stream. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Where the connection breaks off, come back to the command (for up to 25 s) in place of losing it; only where the
   * service can keep it so long. Default false.
   */
  readonly resumable?: boolean | undefined;
  /** With `resumable`: the connection is lost, and the command is being come back to; it is back. */
  readonly onConnection?: ((state: ConnectionState) => void) | undefined;
  /** Where output that comes thick may go by itself in place of by `output`. Default: nowhere. */
  readonly bursts?: BurstOutlet | undefined;
}

/** A piece of output, as the command wrote it. */
export interface Output {
  readonly data: Uint8Array;
  readonly isStderr: boolean;
  readonly isFinal: boolean;
}

export interface ExecOptions {
  readonly args?: readonly string[] | undefined;
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Default 30 s; 0 = no bound. Past it the command is ended and `CommandTimeoutError` thrown. */
  readonly timeoutMs?: number | undefined;
  /** As root. */
  readonly privileged?: boolean | undefined;
  /** What the command reads on stdin. Default: nothing. */
  readonly input?: string | Uint8Array | undefined;
  /** The command waits for a promise that is returned. */
  readonly onOutput?: ((output: Output) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ReadStreamOptions {
  readonly offset?: bigint | number | undefined;
  /** Default 0 = to the end. */
  readonly length?: bigint | number | undefined;
  readonly chunkBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteStreamOptions {
  /** Permission bits. Default: what the file has, 0644 for a new one. */
  readonly mode?: number | undefined;
  /** Default true: the file is replaced as a whole; false appends. */
  readonly truncate?: boolean | undefined;
  /** Also flush it to the disk. */
  readonly sync?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface MkdirOptions {
  /** Default 0 = 0755. */
  readonly mode?: number | undefined;
  /** Default true: makes the parents too, and does not mind that it is there. */
  readonly recursive?: boolean | undefined;
}

export interface RemoveOptions {
  /** Default true. */
  readonly recursive?: boolean | undefined;
}

export interface ListFilesOptions {
  /** Default false. */
  readonly includeHidden?: boolean | undefined;
}

export interface DialOptions {
  /** How long connecting may take. Default: as long as the service thinks fit. */
  readonly connectTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HostPortTunnelOptions {
  /** Where to listen inside. Default: 127.0.0.1. */
  readonly sandboxBindAddress?: string | undefined;
  /** Default 0: one that is free. */
  readonly sandboxPort?: number | undefined;
  /** What the service may call the other end. Default: the address. */
  readonly hostDialTargetLabel?: string | undefined;
  /** Called at every connection's beginning and end. */
  readonly onConnection?: ((event: TunnelConnectionEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** `failed`: the host did not answer, or broke off. */
export interface TunnelConnectionEvent {
  readonly event: "opened" | "closed" | "failed";
  readonly id: number;
  /** Who connected inside. */
  readonly sourceAddress: string;
  readonly error?: Error | undefined;
}

export interface ExposePortOptions {
  /** Default: as long as the session lives. */
  readonly ttlMs?: number | undefined;
  /** What it is called in names below a preview domain. Default: one that cannot be guessed. */
  readonly slug?: string | undefined;
  /** Bytes, whatever they say, rather than HTTP. Of tenki's engine. Default false. */
  readonly tcp?: boolean | undefined;
}

export interface DetachVolumeOptions extends WaitOptions {
  readonly force?: boolean | undefined;
  /** How long a detach may take. Default 2 minutes. */
  readonly waitTimeoutMs?: number | undefined;
}
