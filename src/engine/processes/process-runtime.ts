import { mkdir, readdir, readlink, rm, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { homeDirectory } from "../../domain/file.js";
import { TenkiError } from "../../domain/error.js";
import type { SandboxStats } from "../../domain/session-stats.js";
import type {
  DialTarget,
  GuestCommand,
  GuestFiles,
  GuestListener,
  GuestProcess,
  GuestStream,
  Runtime,
  SandboxSpec,
  SpawnResult,
  SshServerProgram,
} from "../core/ports/runtime.js";
import { HostFiles } from "./host-files.js";
import { dialHost } from "./host-dial.js";
import { listenOnHost } from "./host-listener.js";
import { KeptCommands } from "./kept-commands.js";
import { sandboxVariable, startHostProcess } from "./host-process.js";
import { areMarkedStopped, continueMarked, killMarked, stopMarked } from "./marked-processes.js";

/** Said to who asks for one. */
export const noVolumes =
  "this engine has no volumes: with --isolation process there is no sandbox to mount one in";

/**
 * Sandboxes that are none: a directory, and the engine's own user's processes in it. For machines that allow
 * nothing better. What a sandbox's home directory is to callers is a directory of the host to its commands.
 */
export function createProcessRuntime(options: { readonly dataDir: string }): Runtime {
  return new ProcessRuntime(join(options.dataDir, "processes"));
}

class ProcessRuntime implements Runtime {
  readonly #directory: string;
  /** Lost with the engine, as its commands' pipes are. */
  readonly #kept = new KeptCommands();

  constructor(directory: string) {
    this.#directory = directory;
  }

  async start({ sessionId, disk }: SandboxSpec): Promise<void> {
    await mkdir(join(disk.directory, homeDirectory), { recursive: true, mode: 0o700 });
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await symlink(disk.directory, this.#link(sessionId));
  }

  async isRunning(sessionId: string): Promise<boolean> {
    return (await this.#root(sessionId)) !== undefined;
  }

  async isPaused(sessionId: string): Promise<boolean> {
    return areMarkedStopped(sandboxVariable, sessionId);
  }

  /** By signals: there is nothing better without a cgroup. A process that has cleared its environment goes on. */
  async pause(sessionId: string): Promise<void> {
    if (await stopMarked(sandboxVariable, sessionId)) return;
    continueMarked(sandboxVariable, sessionId);
    throw new TenkiError("internal", "the session's processes did not stand still");
  }

  async resume(sessionId: string): Promise<void> {
    continueMarked(sandboxVariable, sessionId);
  }

  async stop(sessionId: string): Promise<void> {
    this.#kept.forget((key) => key.startsWith(`${sessionId}/`));
    await killMarked(sandboxVariable, sessionId);
    await rm(this.#link(sessionId), { force: true });
  }

  async spawn(sessionId: string, command: GuestCommand, signal: AbortSignal): Promise<SpawnResult> {
    if (command.terminal !== undefined) {
      throw new TenkiError("unimplemented", "there are no terminals with --isolation process");
    }
    if (command.wire !== undefined) {
      throw new TenkiError(
        "unimplemented",
        "a command's output goes through the engine with --isolation process",
      );
    }
    signal.throwIfAborted();
    const started = await startHostProcess(await this.#requireRoot(sessionId), sessionId, command);
    if (!started.started) return started;
    const key = `${sessionId}/${command.kept?.id}`;
    return { started: true, process: this.#kept.begin(key, started.command, command.kept) };
  }

  async attach(
    sessionId: string,
    id: string,
    { outputOffset }: { readonly outputOffset: number },
    signal: AbortSignal,
  ): Promise<GuestProcess> {
    signal.throwIfAborted();
    await this.#requireRoot(sessionId);
    return this.#kept.attach(`${sessionId}/${id}`, outputOffset);
  }

  files(sessionId: string): GuestFiles {
    return new HostFiles(() => this.#requireRoot(sessionId));
  }

  async place(): Promise<void> {
    throw new TenkiError("unimplemented", "nothing is written as root with --isolation process");
  }

  async memoryObstacles(): Promise<readonly string[]> {
    return ["with --isolation process there are no snapshots"];
  }

  sshServer(): SshServerProgram {
    throw new TenkiError(
      "failed_precondition",
      "ssh is not to be had with --isolation process: there is no sandbox that would hold who comes in",
    );
  }

  async dial(
    sessionId: string,
    target: DialTarget,
    options: { readonly timeoutMs: number },
    signal: AbortSignal,
  ): Promise<GuestStream> {
    return dialHost(await this.#requireRoot(sessionId), target, options.timeoutMs, signal);
  }

  async listen(
    sessionId: string,
    options: { readonly address: string; readonly port: number },
    signal: AbortSignal,
  ): Promise<GuestListener> {
    signal.throwIfAborted();
    await this.#requireRoot(sessionId);
    return listenOnHost(options);
  }

  /** What is mounted for one of the host's processes is mounted for all. */
  async mountVolume(): Promise<never> {
    throw new TenkiError("failed_precondition", noVolumes);
  }

  /** None was ever mounted. */
  async unmountVolume(): Promise<void> {}

  /** Its processes are the host's like any other, counted by nobody. */
  async stats(): Promise<SandboxStats> {
    return {};
  }

  async sweep(keep: ReadonlySet<string>): Promise<void> {
    for (const id of await readdir(this.#directory).catch(() => [])) if (!keep.has(id)) await this.stop(id);
  }

  async #requireRoot(sessionId: string): Promise<string> {
    const root = await this.#root(sessionId);
    if (root === undefined) throw new TenkiError("unavailable", "the sandbox does not answer");
    return root;
  }

  async #root(sessionId: string): Promise<string | undefined> {
    try {
      const root = await readlink(this.#link(sessionId));
      await stat(root);
      return root;
    } catch {
      return undefined;
    }
  }

  #link(sessionId: string): string {
    return join(this.#directory, sessionId);
  }
}
