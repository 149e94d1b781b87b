import { setTimeout as sleep } from "node:timers/promises";
import type { SignalName } from "../../src/domain/command.js";
import type { GuestCommand, GuestEvent, GuestProcess } from "../../src/engine/core/ports/runtime.js";
import { AsyncQueue } from "../../src/lib/async-queue.js";

export interface ProgramIo {
  readonly command: GuestCommand;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Resolves when there is room for more. */
  write(kind: "stdout" | "stderr", text: string | Uint8Array): Promise<void>;
  /** Aborts when the process is signalled, or its caller is gone. */
  readonly signal: AbortSignal;
}

/** Resolves with the exit code. */
export type Program = (io: ProgramIo) => Promise<number>;

/** What can be run inside an in-memory sandbox. */
export const programs: Readonly<Record<string, Program>> = {
  true: async () => 0,
  false: async () => 1,
  echo: (io) => print(io, `${io.command.argv.slice(1).join(" ")}\n`),
  pwd: (io) => print(io, `${io.command.cwd}\n`),
  env: (io) =>
    print(
      io,
      Object.entries(io.command.env)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(""),
    ),
  /** `fail TEXT CODE`: says TEXT on stderr and exits with CODE. */
  fail: async (io) => {
    await io.write("stderr", `${io.command.argv[1] ?? ""}\n`);
    return Number(io.command.argv[2] ?? 1);
  },
  cat: async (io) => {
    for await (const data of io.stdin) await io.write("stdout", data);
    return 0;
  },
  /** `flood COUNT`: COUNT times 1000 bytes. */
  flood: async (io) => {
    for (let left = Number(io.command.argv[1]); left > 0 && !io.signal.aborted; left -= 1) {
      await io.write("stdout", new Uint8Array(1_000));
    }
    return 0;
  },
  /** Until it is signalled. */
  wait: async (io) => {
    await sleep(2 ** 30, undefined, { signal: io.signal, ref: false }).catch(() => undefined);
    return 0;
  },
};

const stdinWindowBytes = 65_536;

/** A command inside an in-memory sandbox; it pushes back as a real one does. */
export class InMemoryProcess implements GuestProcess {
  readonly stdinWindowBytes = stdinWindowBytes;
  readonly pid: number;
  readonly #command: GuestCommand;
  readonly #program: Program;
  readonly #onEnd: () => void;
  readonly #events = new AsyncQueue<GuestEvent>(4);
  readonly #stdin = new AsyncQueue<Uint8Array>(1_000);
  readonly #abort = new AbortController();
  #endedBy: SignalName | "timeout" | undefined;

  constructor(pid: number, command: GuestCommand, program: Program, onEnd: () => void) {
    this.pid = pid;
    this.#command = command;
    this.#program = program;
    this.#onEnd = onEnd;
  }

  get events(): AsyncIterable<GuestEvent> {
    return this.#events;
  }

  begin(): void {
    const { timeoutMs } = this.#command;
    if (timeoutMs > 0) setTimeout(() => this.#end("timeout"), timeoutMs).unref();
    void this.#run();
  }

  async writeStdin(data: Uint8Array): Promise<void> {
    await this.#stdin.push(data);
  }

  closeStdin(): void {
    this.#stdin.end();
  }

  signal(name: SignalName): void {
    this.#end(name);
  }

  close(): void {
    this.#end("HUP");
    this.#events.end();
  }

  fail(error: Error): void {
    this.#end("KILL");
    this.#events.end(error);
  }

  async #run(): Promise<void> {
    const code = await this.#program({
      command: this.#command,
      stdin: this.#taken(),
      write: (kind, data) =>
        this.#events.push({ kind, data: typeof data === "string" ? Buffer.from(data) : data }),
      signal: this.#abort.signal,
    });
    this.#onEnd();
    const exit = { exitCode: code, timedOut: false, durationMs: 1, reason: "exit" };
    const ended =
      this.#endedBy === undefined
        ? exit
        : this.#endedBy === "timeout"
          ? { ...exit, exitCode: 137, signal: "KILL", timedOut: true, reason: "timeout" }
          : { ...exit, exitCode: 143, signal: this.#endedBy, reason: "signaled" };
    void this.#events.push({ kind: "exit", exit: ended });
    this.#events.end();
  }

  async *#taken(): AsyncGenerator<Uint8Array> {
    for await (const data of this.#stdin) {
      await this.#events.push({ kind: "stdin_taken", bytes: data.length });
      yield data;
    }
  }

  #end(by: SignalName | "timeout"): void {
    this.#endedBy ??= by;
    this.#abort.abort();
    this.#stdin.end();
  }
}

async function print(io: ProgramIo, text: string): Promise<number> {
  await io.write("stdout", text);
  return 0;
}
