import type { CommandExit, SignalName } from "../domain/command.js";
import { signalNames } from "../domain/command.js";
import type { DataPlane } from "./data-plane.js";
import { SandboxError, StreamClosedError } from "./errors.js";
import { OutputSink } from "./output-sink.js";
import { runCommand } from "./run-command.js";
import type { RunningCommand } from "./running-command.js";

export interface ProcessRunOptions {
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Passed on to the command; default: what is written to the handle's `stdin`. */
  readonly stdin?: ReadableStream<Uint8Array> | undefined;
  /** As root. */
  readonly privileged?: boolean | undefined;
  /** Default 0 = no bound. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ProcessRunResult {
  readonly exitCode: number;
  /** What went through the handle's stream instead is not kept here. */
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly signal?: string | undefined;
  readonly durationMs: number;
  readonly timedOut: boolean;
  readonly reason: string;
  readonly errno?: number | undefined;
}

/** A command as web streams; awaiting it gives its result, and closes a stdin that nobody used. */
export class ProcessRunHandle implements PromiseLike<ProcessRunResult> {
  readonly pid: Promise<number>;
  readonly #command: Promise<RunningCommand>;
  readonly #stdout = new OutputSink();
  readonly #stderr = new OutputSink();
  readonly #result: Promise<ProcessRunResult>;
  #stdin: WritableStream<Uint8Array> | undefined;

  constructor(dataPlane: DataPlane, argv: readonly string[], options: ProcessRunOptions = {}) {
    this.#command = runCommand(dataPlane, argv, { ...options, stdin: true });
    this.pid = this.#command.then((command) => command.pid);
    this.#result = this.#run();
    for (const settled of [this.pid, this.#result]) settled.catch(() => undefined); // thrown where it is awaited
    if (options.stdin !== undefined) options.stdin.pipeTo(this.stdin).catch(() => undefined);
  }

  get stdout(): ReadableStream<Uint8Array> {
    return this.#stdout.stream();
  }

  get stderr(): ReadableStream<Uint8Array> {
    return this.#stderr.stream();
  }

  get stdin(): WritableStream<Uint8Array> {
    this.#stdin ??= new WritableStream<Uint8Array>({
      write: async (chunk) => (await this.#command).writeStdin(chunk),
      close: async () => (await this.#command).closeStdin(),
      abort: async () => (await this.#command).close(),
    });
    return this.#stdin;
  }

  async signal(name: string): Promise<void> {
    const known = name.replace(/^SIG/i, "").toUpperCase();
    if (!isSignalName(known)) {
      throw new SandboxError(
        "invalid_argument",
        `${name} is no signal that can be sent: ${signalNames.join(", ")} are`,
      );
    }
    await (await this.#command).signal(known);
  }

  kill(): Promise<void> {
    return this.signal("KILL");
  }

  then<R = ProcessRunResult, E = never>(
    onResult?: ((result: ProcessRunResult) => R | PromiseLike<R>) | null,
    onError?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    if (this.#stdin === undefined) void this.#closeUnusedStdin();
    return this.#result.then(onResult, onError);
  }

  async #run(): Promise<ProcessRunResult> {
    try {
      const command = await this.#command;
      for await (const { kind, data } of command.output) {
        await (kind === "stdout" ? this.#stdout : this.#stderr).write(data);
      }
      return this.#finish(await command.exit);
    } catch (error) {
      this.#stdout.fail(error);
      this.#stderr.fail(error);
      throw error;
    }
  }

  #finish({ exitCode, signal, durationMs, timedOut, reason, errno }: CommandExit): ProcessRunResult {
    const [stdout, stderr] = [this.#stdout.end(), this.#stderr.end()];
    return { exitCode, stdout, stderr, signal, durationMs, timedOut, reason, errno };
  }

  async #closeUnusedStdin(): Promise<void> {
    try {
      await (await this.#command).closeStdin();
    } catch (error) {
      if (!(error instanceof StreamClosedError)) return; // a failed start is thrown by the result
    }
  }
}

const isSignalName = (name: string): name is SignalName => (signalNames as readonly string[]).includes(name);
