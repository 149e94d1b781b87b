import type { Duplex } from "node:stream";
import type { CommandExit, TerminalSize } from "../../../domain/command.js";
import type { FileInfo } from "../../../domain/file.js";
import type { SandboxStats } from "../../../domain/session-stats.js";
import type { Disk } from "./disks.js";
import type { Image } from "./images.js";
import type { NetworkAttachment } from "./network.js";

/** A file that is inside before anything runs there. */
export interface SandboxFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
  /** `user`: the sandbox's own. Default: root. */
  readonly owner?: "root" | "user" | undefined;
}

/** A volume in a sandbox. */
export interface SandboxVolume {
  /** On the host. */
  readonly directory: string;
  /** Inside: absolute, and checked by name. It is never looked up on the host. */
  readonly mountPath: string;
  readonly readonly: boolean;
}

export interface SandboxSpec {
  readonly sessionId: string;
  readonly hostname: string;
  readonly image: Image;
  readonly disk: Disk;
  readonly network: NetworkAttachment;
  readonly limits: { readonly cpuCores: number; readonly memoryMb: number };
  /** The session's environment, for /etc/environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly files: readonly SandboxFile[];
  /** What is mounted before anything runs. */
  readonly volumes: readonly SandboxVolume[];
}

export interface GuestCommand {
  readonly argv: readonly string[];
  /** Absolute, inside the sandbox. */
  readonly cwd: string;
  /** The whole environment: nothing is added. */
  readonly env: Readonly<Record<string, string>>;
  /** As root rather than as `tenki`. */
  readonly privileged: boolean;
  /** Set: a pseudo-terminal of this size carries stdin and stdout. */
  readonly terminal?: TerminalSize | undefined;
  /** 0 = no bound. Past it the command's whole process tree is killed. Time in which the sandbox is paused does not count. */
  readonly timeoutMs: number;
  /** When its caller goes, its input ends and nothing else happens to it, or to what it started. Default: it is hung up on. */
  readonly letGo?: boolean | undefined;
  /** Set: it can be come back to, by `attach`. */
  readonly kept?: KeptCommand | undefined;
  /** Set: its stdin and stdout are a socket whose other end goes out by this. */
  readonly wire?: Wire | undefined;
}

/** A connection by which somebody on this machine is sent half of a pair of sockets. */
export interface Wire {
  /** What comes by it is read by nobody here from `invite` on until the command runs. */
  readonly from: Duplex;
  /** Called at the moment from which on who is there may say that the half can come. */
  readonly invite: () => void;
}

export interface KeptCommand {
  /** A UUID of the caller's choice, unique within its sandbox. */
  readonly id: string;
  /** How long it goes on, or its exit waits, with nobody there; 0 = for as long as the sandbox. */
  readonly lingerMs: number;
}

export type GuestEvent =
  | { readonly kind: "stdout"; readonly data: Uint8Array }
  | { readonly kind: "stderr"; readonly data: Uint8Array }
  /** The command took this many bytes of stdin: so many more may be written. */
  | { readonly kind: "stdin_taken"; readonly bytes: number }
  | { readonly kind: "exit"; readonly exit: CommandExit };

/** Behind what came before it, and for who has asked for it: a burst of output is there to be passed on by itself. */
export interface BurstEvent {
  readonly kind: "burst";
  /**
   * Once everything before it has been sent, lets the output go straight to the socket that was named, as the lane's
   * frames, and resolves when it is our turn again. Has to be called. False: it broke off within a frame, and nothing
   * can follow that.
   */
  pass(): Promise<boolean>;
}

export type ProcessEvent = GuestEvent | BurstEvent;

/** A started command. Its owner must iterate `events` to the end or call `close` or `detach`. */
export interface GuestProcess {
  /** Its pid as the sandbox sees it. */
  readonly pid: number;
  /** How many bytes of output, both streams together, came before the first of `events`: 0 unless it was attached to. */
  readonly outputOffset: number;
  /** How many bytes of stdin it had been handed when it was attached to; else 0. */
  readonly stdinReceived: number;
  /** How much stdin may be written before any was taken. */
  readonly stdinWindowBytes: number;
  /** Slow iteration slows the command; ends after exactly one `exit`. Throws `unavailable` when the sandbox goes away. */
  readonly events: AsyncIterable<GuestEvent>;
  /** Resolves when it was handed over; never write more than the window allows. */
  writeStdin(data: Uint8Array): Promise<void>;
  closeStdin(): void;
  /** By name without SIG, any that the kernel has. */
  signal(name: string): void;
  /** Of its terminal; nothing happens where it has none. */
  resize(size: TerminalSize): void;
  /**
   * The same events; where output comes thick and this runtime has a way past the engine for it, a `burst` among them.
   * In place of `events`.
   */
  eventsAndBursts?(caller: Duplex): AsyncIterable<ProcessEvent>;
  /** The caller is gone for good: HUP, a grace, then KILL for the whole tree. Idempotent. */
  close(): void;
  /** The caller is gone and may come back: a kept command goes on. One that is not kept is closed. Idempotent. */
  detach(): void;
}

export type SpawnResult =
  | { readonly started: true; readonly process: GuestProcess }
  /** It could not be started: `spawn_failed: …` and the errno. */
  | { readonly started: false; readonly exit: CommandExit };

export interface WriteFileOptions {
  /** 0 = keep the mode of a file that is there, else 0644. */
  readonly mode: number;
  /** False: what is there stays, and the data are appended. */
  readonly truncate: boolean;
  /** fsync before the answer. */
  readonly sync: boolean;
}

export interface ReadFileOptions {
  readonly offset: number;
  /** 0 = to the end. */
  readonly length: number;
  /** 0 = in pieces of whatever size costs least. */
  readonly chunkBytes: number;
}

export interface FileContent {
  readonly totalSize: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Files, by a process inside the sandbox as its own user; paths are absolute and already checked to
 * lie under the home directory by name, and are checked again there after symlinks are resolved.
 * Errors: not_found ("no such file or directory"), permission_denied, failed_precondition, already_exists.
 */
export interface GuestFiles {
  read(path: string, options: ReadFileOptions): Promise<FileContent>;
  /** Atomic: a reader sees the old file or the new one. Resolves with the bytes written. */
  write(path: string, content: AsyncIterable<Uint8Array>, options: WriteFileOptions): Promise<number>;
  /** Undefined where nothing is. Does not follow a symlink at the end. */
  stat(path: string): Promise<FileInfo | undefined>;
  makeDirectory(path: string, options: { mode: number; recursive: boolean }): Promise<FileInfo>;
  /** Resolves with the number of entries removed; 0 where nothing was. */
  remove(path: string, options: { recursive: boolean }): Promise<number>;
  list(path: string, options: { includeHidden: boolean }): Promise<FileInfo[]>;
}

/** How an OpenSSH server is started inside. */
export interface SshServerProgram {
  readonly argv: readonly string[];
  /** Lines that its configuration has to have on this machine. */
  readonly settings: readonly string[];
}

/** What is reached inside: a port, at whichever of the sandbox's own addresses listens on it, or a unix socket. */
export type DialTarget = { readonly port: number } | { readonly unixSocketPath: string };

export interface DialOptions {
  /** 0 = as long as the kernel tries. */
  readonly timeoutMs: number;
  /**
   * The shortest way to a port, where there is one. A sandbox that goes away may look like a peer's last word then: for
   * who does not go by that. Default: not.
   */
  readonly direct?: boolean;
}

/**
 * A connection to something inside. Either side may stop sending first (`allowHalfOpen`). What breaks off, or goes
 * away with its sandbox, ends with an error, as a peer that has said its last does not. Destroying it before the end
 * is a reset inside. Its owner must see it close or destroy it.
 */
export type GuestStream = Duplex;

export interface GuestConnectionAccepted {
  readonly stream: GuestStream;
  /** `address:port`, with brackets around an IPv6 address. */
  readonly sourceAddress: string;
}

/** Listens inside until it is closed. */
export interface GuestListener {
  readonly address: string;
  readonly port: number;
  /** For one reader. What is not asked for waits in the sandbox's kernel; throws `unavailable` when the sandbox goes away. */
  readonly connections: AsyncIterable<GuestConnectionAccepted>;
  /** Idempotent. Connections that were taken stay. */
  close(): void;
}

/** Runs sandboxes. Keyed by session id; every call observes the kernel rather than remembering. */
export interface Runtime {
  /** Resolves when a command would run. On failure nothing is left behind. */
  start(spec: SandboxSpec, signal: AbortSignal): Promise<void>;
  /** Its processes are there, paused or not. */
  isRunning(sessionId: string): Promise<boolean>;
  /** Its processes stand still, or are on their way to it. */
  isPaused(sessionId: string): Promise<boolean>;
  /**
   * Stops every process where it is, with its memory, open files and sockets; resolves when all stand still.
   * Idempotent. `failed_precondition` where this cannot be had; on any failure all of them run on.
   */
  pause(sessionId: string): Promise<void>;
  /** Lets them go on. Idempotent. */
  resume(sessionId: string): Promise<void>;
  /** Kills every process, paused or not, and removes every trace. Idempotent. */
  stop(sessionId: string): Promise<void>;
  spawn(sessionId: string, command: GuestCommand, signal: AbortSignal): Promise<SpawnResult>;
  /**
   * Takes a kept command over, from whoever had it: its output goes on behind `outputOffset` bytes. `not_found` where
   * there is none of that id (any more), `data_loss` where output from there on is not kept. What was sent is kept for
   * a few MiB, more than can be on its way; while nobody is there the command is held back once its pipes are full.
   */
  attach(
    sessionId: string,
    id: string,
    from: { readonly outputOffset: number },
    signal: AbortSignal,
  ): Promise<GuestProcess>;
  files(sessionId: string): GuestFiles;
  /** Writes files anywhere inside as root, each at once as a whole. `unimplemented` where there is no inside. */
  place(sessionId: string, files: readonly SandboxFile[], signal: AbortSignal): Promise<void>;
  /** `failed_precondition`, with the reason, where sandboxes have none. */
  sshServer(): SshServerProgram;
  /**
   * Connects to what listens inside, as the sandbox's user. Throws `DialError`: `refused`, `timeout` and `path_denied`, for what is no socket or lies, its links resolved inside, neither below the
   * home directory nor below /tmp, /run or /var/run. The signal is for the way there.
   */
  dial(
    sessionId: string,
    target: DialTarget,
    options: DialOptions,
    signal: AbortSignal,
  ): Promise<GuestStream>;
  /** Listens inside, at port 0 on one that is free. Throws `ListenError` where the address is taken or none of the sandbox's. */
  listen(
    sessionId: string,
    options: { readonly address: string; readonly port: number },
    signal: AbortSignal,
  ): Promise<GuestListener>;
  /** Mounts a volume where no link leads on the way; what is missing of the way is made. Idempotent. */
  mountVolume(sessionId: string, volume: SandboxVolume): Promise<void>;
  /**
   * Idempotent. `failed_precondition`, with their names, where processes have something open on it; `force` kills
   * those, and fails all the same where it stays in use.
   */
  unmountVolume(
    sessionId: string,
    volume: SandboxVolume,
    options: { readonly force: boolean },
  ): Promise<void>;
  /** Why no snapshot can hold what runs in a sandbox, in words; empty where one can. Looks at the machine anew. */
  memoryObstacles(): Promise<readonly string[]>;
  /** Seen from outside: nothing is started inside. Of a sandbox that does not run nothing is known. */
  stats(sessionId: string): Promise<SandboxStats>;
  /** After a restart: removes every sandbox of ours that is not in `keep`. */
  sweep(keep: ReadonlySet<string>): Promise<void>;
}
