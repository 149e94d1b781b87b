import type { SignalName } from "../domain/command.js";
import type { FileInfo } from "../domain/file.js";
import type { SessionInfo, SessionState, VolumeAttachment } from "../domain/session.js";
import type { ExecResult } from "./exec-result.js";
import type {
  DetachVolumeOptions,
  ExecOptions,
  ExposePortOptions,
  ListFilesOptions,
  MkdirOptions,
  ReadStreamOptions,
  RemoveOptions,
  StartOptions,
  UpdateSessionOptions,
  WriteStreamOptions,
} from "./options.js";
import type { RunningCommand } from "./running-command.js";

export interface ExposedPort {
  readonly port: number;
  readonly previewUrl: string;
  readonly expiresAt?: Date | undefined;
  readonly previewUrlId?: string | undefined;
  readonly slug?: string | undefined;
}

/** One sandbox, and everything that can be done with it. */
export declare class Session implements AsyncDisposable {
  readonly id: string;
  /** What was last heard of it; throws on a bare handle before the first `refresh`. */
  get info(): SessionInfo;
  get name(): string;
  get state(): SessionState;

  refresh(): Promise<SessionInfo>;
  /** Until it is RUNNING (default 3 minutes); throws `SessionTerminatedError` where it ends instead. */
  waitReady(timeoutMs?: number, signal?: AbortSignal): Promise<SessionInfo>;
  /** Until a resume has ended; throws `ResumeFailedError` where it went back to PAUSED. */
  waitResumed(timeoutMs?: number, signal?: AbortSignal): Promise<SessionInfo>;
  /** Each change of state, the present one first; ends with RUNNING or the session's end. */
  watch(signal?: AbortSignal): AsyncIterable<SessionInfo>;
  extend(additionalMs: number): Promise<SessionInfo>;
  update(options: UpdateSessionOptions): Promise<SessionInfo>;
  updateTags(tags: readonly string[]): Promise<SessionInfo>;
  pause(): Promise<SessionInfo>;
  resume(): Promise<SessionInfo>;
  /** Tells the service that somebody is at work, so that it does not count as idle. */
  reportActivity(): Promise<Date>;
  /** Terminates it. */
  close(): Promise<SessionInfo>;
  /** As `close`, and does not mind when it has ended already. */
  closeIfOpen(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;

  start(argv: readonly string[], options?: StartOptions): Promise<RunningCommand>;
  exec(command: string, options?: ExecOptions): Promise<ExecResult>;

  readFile(path: string): Promise<Uint8Array>;
  writeFile(path: string, data: Uint8Array | string, options?: WriteStreamOptions): Promise<void>;
  readFileStream(path: string, options?: ReadStreamOptions): Promise<FileReadStream>;
  writeFileStream(
    path: string,
    source: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
    options?: WriteStreamOptions,
  ): Promise<number>;
  /** Undefined where nothing is at that path. */
  stat(path: string): Promise<FileInfo | undefined>;
  mkdir(path: string, options?: MkdirOptions): Promise<void>;
  /** Resolves with the number of entries removed. */
  remove(path: string, options?: RemoveOptions): Promise<number>;
  list(path: string, options?: ListFilesOptions): Promise<FileInfo[]>;

  exposePort(port: number, options?: ExposePortOptions): Promise<ExposedPort>;
  unexposePort(port: number): Promise<void>;
  listExposedPorts(): Promise<ExposedPort[]>;
  attachVolume(
    volumeId: string,
    mountPath: string,
    options?: { readonly readOnly?: boolean },
  ): Promise<VolumeAttachment>;
  detachVolume(volumeId: string, options?: DetachVolumeOptions): Promise<void>;
  updateSshAuthorizedKeys(keys: readonly string[]): Promise<void>;
}

/** A file as it comes: a web stream that can be iterated, and its size as it was at the start. */
export type FileReadStream = ReadableStream<Uint8Array> &
  AsyncIterable<Uint8Array> & { readonly totalSize: number };

export type { SignalName };
