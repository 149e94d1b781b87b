import { type ChildProcessByStdio, spawn } from "node:child_process";
import { statSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { getSystemErrorMap } from "node:util";
import { type CommandExit, spawnFailureCode } from "../../domain/command.js";
import { homeDirectory } from "../../domain/file.js";
import { TenkiError } from "../../domain/error.js";
import { noSuchSignal } from "../../domain/signal.js";
import { startTimer } from "../../lib/long-timer.js";
import { numberSignal } from "../../lib/signals.js";
import type { GuestCommand } from "../core/ports/runtime.js";
import { CommandEvents } from "./command-events.js";
import type { RunningCommand } from "./kept-commands.js";
import { descendantsOf, kill } from "./marked-processes.js";

/** In the environment of every command, so that it is found again after a restart. */
export const sandboxVariable = "TENKI_SANDBOX_ID";

/** Starts a command as the engine's own user, in a process group of its own. */
export async function startHostProcess(
  root: string,
  sessionId: string,
  command: GuestCommand,
): Promise<HostStart> {
  const [file = "", ...args] = command.argv;
  const cwd = toHostPath(root, command.cwd);
  if (!isDirectory(cwd)) return refuse(`directory ${command.cwd}`, constants.errno.ENOENT, false);
  const home = join(root, homeDirectory);
  const env = { ...command.env, HOME: home, [sandboxVariable]: sessionId };
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const failure = await started(child);
  if (failure !== undefined) return refuse(file, -(failure.errno ?? -constants.errno.ENOENT));
  return { started: true, command: new HostProcess(child, command) };
}

export type HostStart =
  | { readonly started: true; readonly command: RunningCommand }
  | { readonly started: false; readonly exit: CommandExit };

/** What lies below the home directory for a caller lies below the sandbox's directory on the host. */
const toHostPath = (root: string, path: string): string =>
  path === homeDirectory || path.startsWith(`${homeDirectory}/`) ? join(root, path) : path;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

const stdinWindowBytes = 256 << 10;
const keptBytes = 4 << 20;
const hangUpGraceMs = 2_000;

class HostProcess implements RunningCommand {
  readonly pid: number;
  readonly stdinWindowBytes = stdinWindowBytes;
  readonly events: CommandEvents;
  readonly #child: Child;
  readonly #startedAt = performance.now();
  #timedOut = false;
  #hungUp = false;

  constructor(child: Child, { timeoutMs, kept }: GuestCommand) {
    this.events = new CommandEvents(kept === undefined ? 0 : keptBytes);
    this.#child = child;
    this.pid = child.pid ?? 0;
    child.stdin.on("error", () => undefined); // a command that does not read its input
    const callOff = timeoutMs > 0 ? startTimer(timeoutMs, () => this.#runOut()) : undefined;
    void this.#follow().finally(() => callOff?.());
  }

  writeStdin(data: Uint8Array): void {
    this.#child.stdin.write(data, () => this.events.take(data.length));
  }

  closeStdin(): void {
    this.#child.stdin.end();
  }

  signal(name: string): void {
    const number = numberSignal(name);
    if (number === undefined) throw noSuchSignal(name);
    kill(-this.pid, number);
  }

  resize(): void {
    // there are no terminals here
  }

  hangUp(): void {
    if (this.#hungUp) return;
    this.#hungUp = true;
    this.events.fail(new TenkiError("unavailable", "the command's caller is gone"));
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const tree = [-this.pid, ...descendantsOf(this.pid)];
    kill(-this.pid, "SIGHUP");
    setTimeout(() => tree.forEach((pid) => kill(pid, "SIGKILL")), hangUpGraceMs);
  }

  #runOut(): void {
    this.#timedOut = true;
    for (const pid of [...descendantsOf(this.pid), -this.pid]) kill(pid, "SIGKILL");
  }

  async #follow(): Promise<void> {
    const { stdout, stderr } = this.#child;
    const ended = new Promise<CommandExit>((resolve) =>
      this.#child.once("close", (code, signal) => resolve(this.#describe(code, signal))),
    );
    await Promise.all([this.#carry("stdout", stdout), this.#carry("stderr", stderr)]);
    const exit = await ended;
    this.#hungUp = true;
    this.events.end(exit);
  }

  async #carry(kind: "stdout" | "stderr", stream: Readable): Promise<void> {
    for await (const data of stream as AsyncIterable<Buffer>) await this.events.push(kind, data);
  }

  #describe(code: number | null, signal: NodeJS.Signals | null): CommandExit {
    return {
      exitCode: code ?? 128 + constants.signals[signal ?? "SIGKILL"],
      signal: signal?.slice("SIG".length),
      timedOut: this.#timedOut,
      durationMs: Math.round(performance.now() - this.#startedAt),
      reason: this.#timedOut ? "timeout" : signal === null ? "exit" : "signaled",
    };
  }
}

const started = (child: Child): Promise<NodeJS.ErrnoException | undefined> =>
  new Promise((resolve) => {
    child.once("spawn", () => resolve(undefined));
    child.once("error", resolve);
  });

function refuse(what: string, errno: number, isPrograms = true): HostStart {
  const words = getSystemErrorMap().get(-errno)?.[1] ?? `error ${errno}`;
  const exitCode = spawnFailureCode(isPrograms, errno);
  const reason = `spawn_failed: ${what}: ${words}`;
  return { started: false, exit: { exitCode, timedOut: false, durationMs: 0, reason, errno } };
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
