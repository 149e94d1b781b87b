import { TenkiError } from "../../src/domain/error.js";
import type { SandboxStats } from "../../src/domain/session-stats.js";
import type {
  DialTarget,
  GuestCommand,
  GuestFiles,
  GuestListener,
  GuestProcess,
  GuestStream,
  Runtime,
  SandboxFile,
  SandboxSpec,
  SandboxVolume,
  SpawnResult,
  SshServerProgram,
  Wire,
} from "../../src/engine/core/ports/runtime.js";
import { KeptCommands } from "../../src/engine/processes/kept-commands.js";
import { InMemoryConnections } from "./in-memory-connections.js";
import { InMemoryFiles } from "./in-memory-files.js";
import { InMemoryProcess, type Program, programs } from "./in-memory-process.js";
import type { Steps } from "./steps.js";

export interface InMemorySandbox {
  readonly spec: SandboxSpec;
  readonly files: InMemoryFiles;
  readonly processes: Set<InMemoryProcess>;
  readonly kept: KeptCommands;
  readonly connections: InMemoryConnections;
  isPaused: boolean;
  /** What was written into it since it began, in order. */
  readonly placed: SandboxFile[];
  /** By where they are mounted. */
  readonly volumes: Map<string, SandboxVolume>;
  /** Every command that was asked for, as it was asked for. */
  readonly commands: GuestCommand[];
}

/** Sandboxes in memory, with a handful of programs inside. */
export class InMemoryRuntime implements Runtime {
  readonly sandboxes = new Map<string, InMemorySandbox>();
  /** Why memory cannot be taken. */
  obstacles: readonly string[] = [];
  readonly #steps: Steps;
  #lastPid = 1;

  constructor(steps: Steps) {
    this.#steps = steps;
  }

  async start(spec: SandboxSpec, signal: AbortSignal): Promise<void> {
    try {
      await this.#steps.run(
        "runtime.start",
        () => {
          if (this.sandboxes.has(spec.sessionId)) throw new Error(`started twice: ${spec.sessionId}`);
          this.sandboxes.set(spec.sessionId, {
            spec,
            files: new InMemoryFiles(),
            processes: new Set(),
            kept: new KeptCommands(),
            connections: new InMemoryConnections(),
            isPaused: false,
            placed: [],
            volumes: new Map(spec.volumes.map((volume) => [volume.mountPath, volume])),
            commands: [],
          });
        },
        signal,
      );
    } catch (error) {
      this.sandboxes.delete(spec.sessionId);
      throw error;
    }
  }

  isRunning(sessionId: string): Promise<boolean> {
    return this.#steps.run("runtime.isRunning", () => this.sandboxes.has(sessionId));
  }

  isPaused(sessionId: string): Promise<boolean> {
    return this.#steps.run("runtime.isPaused", () => this.sandboxes.get(sessionId)?.isPaused === true);
  }

  pause(sessionId: string): Promise<void> {
    return this.#steps.run("runtime.pause", () => void (this.#inside(sessionId).isPaused = true));
  }

  resume(sessionId: string): Promise<void> {
    return this.#steps.run("runtime.resume", () => void (this.#inside(sessionId).isPaused = false));
  }

  stop(sessionId: string): Promise<void> {
    return this.#steps.run("runtime.stop", () => this.die(sessionId));
  }

  spawn(sessionId: string, command: GuestCommand, signal: AbortSignal): Promise<SpawnResult> {
    return this.#steps.run(
      "runtime.spawn",
      (): SpawnResult => {
        const sandbox = this.#inside(sessionId);
        sandbox.commands.push(command);
        const program = placedFile(sandbox, command) ?? programs[command.argv[0] ?? ""];
        if (program === undefined) return { started: false, exit: notFound(command) };
        this.#lastPid += 1;
        const process = new InMemoryProcess(this.#lastPid, command, program, () =>
          sandbox.processes.delete(process),
        );
        sandbox.processes.add(process);
        process.begin();
        if (command.wire !== undefined) listenToWire(command.wire, process);
        return {
          started: true,
          process: sandbox.kept.begin(command.kept?.id ?? "", process, command.kept),
        };
      },
      signal,
    );
  }

  attach(
    sessionId: string,
    id: string,
    { outputOffset }: { readonly outputOffset: number },
    signal: AbortSignal,
  ): Promise<GuestProcess> {
    return this.#steps.run(
      "runtime.attach",
      () => this.#inside(sessionId).kept.attach(id, outputOffset),
      signal,
    );
  }

  files(sessionId: string): GuestFiles {
    return this.sandboxes.get(sessionId)?.files ?? new InMemoryFiles(gone());
  }

  place(sessionId: string, files: readonly SandboxFile[], signal: AbortSignal): Promise<void> {
    return this.#steps.run("runtime.place", () => void this.#inside(sessionId).placed.push(...files), signal);
  }

  async memoryObstacles(): Promise<readonly string[]> {
    return this.obstacles;
  }

  sshServer(): SshServerProgram {
    return { argv: ["sshd"], settings: [] };
  }

  dial(
    sessionId: string,
    target: DialTarget,
    _options: { readonly timeoutMs: number },
    signal: AbortSignal,
  ): Promise<GuestStream> {
    return this.#steps.run("runtime.dial", () => this.#inside(sessionId).connections.dial(target), signal);
  }

  listen(
    sessionId: string,
    options: { readonly address: string; readonly port: number },
    signal: AbortSignal,
  ): Promise<GuestListener> {
    return this.#steps.run(
      "runtime.listen",
      () => this.#inside(sessionId).connections.listen(options),
      signal,
    );
  }

  mountVolume(sessionId: string, volume: SandboxVolume): Promise<void> {
    return this.#steps.run(
      "runtime.mountVolume",
      () => void this.#inside(sessionId).volumes.set(volume.mountPath, volume),
    );
  }

  /** What is in `busy` is unmounted by force only. */
  unmountVolume(
    sessionId: string,
    { mountPath }: SandboxVolume,
    { force }: { readonly force: boolean },
  ): Promise<void> {
    return this.#steps.run("runtime.unmountVolume", () => {
      if (!force && this.busy.has(mountPath)) {
        throw new TenkiError("failed_precondition", "volume is in use by sleep (pid 7)");
      }
      this.#inside(sessionId).volumes.delete(mountPath);
    });
  }

  /** Mount paths where somebody has a file open. */
  readonly busy = new Set<string>();

  /** What a test says; of a sandbox that is not there nothing. */
  readonly usage = new Map<string, SandboxStats>();

  stats(sessionId: string): Promise<SandboxStats> {
    return this.#steps.run("runtime.stats", () =>
      this.sandboxes.has(sessionId) ? (this.usage.get(sessionId) ?? {}) : {},
    );
  }

  sweep(keep: ReadonlySet<string>): Promise<void> {
    return this.#steps.run("runtime.sweep", () => {
      for (const id of this.sandboxes.keys()) if (!keep.has(id)) this.die(id);
    });
  }

  /** The sandbox is gone at once, with everything in it: what a crash of its init looks like from outside. */
  die(sessionId: string): void {
    const sandbox = this.sandboxes.get(sessionId);
    this.sandboxes.delete(sessionId);
    sandbox?.files.fail(gone());
    sandbox?.connections.fail(gone());
    for (const process of sandbox?.processes ?? []) process.fail(gone());
  }

  #inside(sessionId: string): InMemorySandbox {
    const sandbox = this.sandboxes.get(sessionId);
    if (sandbox === undefined) throw gone();
    return sandbox;
  }
}

/** `cat FILE`, of what the sandbox was given at its start. */
function placedFile({ spec }: InMemorySandbox, { argv }: GuestCommand): Program | undefined {
  const file = spec.files.find(({ path }) => argv[0] === "cat" && path === argv[1]);
  if (file === undefined) return undefined;
  return async (io) => {
    await io.write("stdout", file.content);
    return 0;
  };
}

/** There are no sockets to be sent here: what is sent in place of one is the command's input, and nobody hears its output. */
function listenToWire({ from, invite }: Wire, process: InMemoryProcess): void {
  invite();
  from.on("data", (data: Buffer) => process.writeStdin(data));
  from.on("end", () => process.closeStdin());
}

const gone = () => new TenkiError("unavailable", "the sandbox does not answer");

const notFound = ({ argv }: GuestCommand) => ({
  exitCode: 127,
  timedOut: false,
  durationMs: 0,
  reason: `spawn_failed: ${argv[0]}: no such file or directory`,
  errno: 2,
});
