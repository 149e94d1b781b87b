import { setTimeout as sleep } from "node:timers/promises";
import type { TerminalSize } from "../../src/domain/command.js";
import { noSuchSignal } from "../../src/domain/signal.js";
import { numberSignal } from "../../src/lib/signals.js";
import type { GuestCommand } from "../../src/engine/core/ports/runtime.js";
import { CommandEvents } from "../../src/engine/processes/command-events.js";
import type { RunningCommand } from "../../src/engine/processes/kept-commands.js";
import { AsyncQueue } from "../../src/lib/async-queue.js";

export interface ProgramIo {
  readonly command: GuestCommand;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Resolves when there is room for more. */
  write(kind: "stdout" | "stderr", text: string | Uint8Array): Promise<void>;
  /** Aborts when the process is signalled, or its caller is gone. */
  readonly signal: AbortSignal;
  /** Calls back at every change of the terminal's size. */
  onResize(heard: (size: TerminalSize) => void): void;
}

/** Resolves with the exit code. */
export type Program = (io: ProgramIo) => Promise<number>;

async function flood(io: ProgramIo): Promise<void> {
  while (!io.signal.aborted) await io.write("stdout", new Uint8Array(1_000));
}

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
  /** Says how it was called; `fails` in its arguments makes it fail, repeating what it was entrusted with. */
  git: async (io) => {
    const { argv, cwd, env } = io.command;
    if (!argv.some((word) => word.includes("fails"))) return print(io, JSON.stringify({ argv, cwd, env }));
    const { GIT_TOKEN, TENKI_GIT_PASSWORD } = env;
    await io.write(
      "stderr",
      `fatal: ${GIT_TOKEN} ${TENKI_GIT_PASSWORD} at https://bob:builder@example.com/\n`,
    );
    return 128;
  },
  cat: async (io) => {
    for await (const data of io.stdin) await io.write("stdout", data);
    return 0;
  },
  /** An SSH server as far as a bridge can tell: says back what it is told; `quit`, `flood`, `stall`, `log LINE`. */
  sshd: async (io) => {
    await io.write("stderr", "Connection from UNKNOWN\n\u0007bell\n");
    for await (const data of io.stdin) {
      const word = Buffer.from(data).toString();
      if (word === "quit") return 0;
      if (word === "stall") await new Promise((resolve) => io.signal.addEventListener("abort", resolve));
      if (word === "flood") await flood(io);
      if (word.startsWith("log ")) await io.write("stderr", `${word.slice(4)}\n`);
      await io.write("stdout", data);
    }
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
  /** Says the terminal's size at every change of it, until it is signalled. */
  size: async (io) => {
    io.onResize(({ columns, rows }) => void io.write("stdout", `${columns}x${rows}\n`));
    await sleep(2 ** 30, undefined, { signal: io.signal, ref: false }).catch(() => undefined);
    return 0;
  },
};

const stdinWindowBytes = 65_536;
/** Less than a real sandbox keeps, so that tests come to the end of it. */
const keptBytes = 65_536;

/** A command inside an in-memory sandbox; it pushes back as a real one does. */
export class InMemoryProcess implements RunningCommand {
  readonly stdinWindowBytes = stdinWindowBytes;
  readonly pid: number;
  readonly events: CommandEvents;
  readonly #command: GuestCommand;
  readonly #program: Program;
  readonly #onEnd: () => void;
  readonly #stdin = new AsyncQueue<Uint8Array>(1_000);
  readonly #abort = new AbortController();
  #heard: (size: TerminalSize) => void = () => undefined;
  #endedBy: string | undefined;

  constructor(pid: number, command: GuestCommand, program: Program, onEnd: () => void) {
    this.pid = pid;
    this.events = new CommandEvents(command.kept === undefined ? 0 : keptBytes);
    this.#command = command;
    this.#program = program;
    this.#onEnd = onEnd;
  }

  begin(): void {
    const { timeoutMs } = this.#command;
    if (timeoutMs > 0) setTimeout(() => this.#end("timeout"), timeoutMs).unref();
    void this.#run();
  }

  writeStdin(data: Uint8Array): void {
    void this.#stdin.push(data);
  }

  closeStdin(): void {
    this.#stdin.end();
  }

  signal(name: string): void {
    if (numberSignal(name) === undefined) throw noSuchSignal(name);
    this.#end(name);
  }

  resize(size: TerminalSize): void {
    if (this.#command.terminal !== undefined) this.#heard(size);
  }

  hangUp(): void {
    this.#end("HUP");
    this.events.fail(new Error("the caller is gone"));
  }

  fail(error: Error): void {
    this.#end("KILL");
    this.events.fail(error);
  }

  async #run(): Promise<void> {
    const code = await this.#program({
      command: this.#command,
      stdin: this.#taken(),
      write: (kind, data) => this.#write(kind, typeof data === "string" ? Buffer.from(data) : data),
      signal: this.#abort.signal,
      onResize: (heard) => (this.#heard = heard),
    });
    this.#onEnd();
    const exit = { exitCode: code, timedOut: false, durationMs: 1, reason: "exit" };
    const ended =
      this.#endedBy === undefined
        ? exit
        : this.#endedBy === "timeout"
          ? { ...exit, exitCode: 137, signal: "KILL", timedOut: true, reason: "timeout" }
          : { ...exit, exitCode: 143, signal: this.#endedBy, reason: "signaled" };
    this.events.end(ended);
  }

  async #write(kind: "stdout" | "stderr", data: Uint8Array): Promise<void> {
    if (kind === "stderr" || this.#command.wire === undefined) await this.events.push(kind, data);
  }

  async *#taken(): AsyncGenerator<Uint8Array> {
    for await (const data of this.#stdin) {
      this.events.take(data.length);
      yield data;
    }
  }

  #end(by: string): void {
    this.#endedBy ??= by;
    this.#abort.abort();
    this.#stdin.end();
  }
}

async function print(io: ProgramIo, text: string): Promise<number> {
  await io.write("stdout", text);
  return 0;
}
