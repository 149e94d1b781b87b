import type { RunningCommand, Session } from "../../client/index.js";
import type { TerminalSize } from "../../domain/command.js";
import type { Io } from "../io.js";

/** The size of the terminal in front of us; where there is none, as the environment says, or 80×24. */
export function terminalSize({ stdout, env }: Io): TerminalSize {
  return {
    columns: stdout.columns ?? positive(env["COLUMNS"]) ?? 80,
    rows: stdout.rows ?? positive(env["LINES"]) ?? 24,
  };
}

/** Cursor shown, no mouse reports, no bracketed paste, no colours: what a program that was cut off leaves behind. */
const softReset = "\u001b[?25h\u001b[?1000;1002;1003;1006;2004l\u001b[m";

/** Puts this side's terminal into raw mode while a command has it, and keeps the sizes equal. */
export class Terminal {
  readonly #io: Io;
  readonly #resize: () => void;
  readonly #isRaw: boolean;

  constructor(io: Io, session: Session, command: RunningCommand, privileged: boolean) {
    this.#io = io;
    this.#isRaw = io.stdin.isTTY === true && io.stdin.setRawMode !== undefined;
    const resizer = new Resizer(session, command.pid, privileged);
    this.#resize = () => resizer.follow(terminalSize(io));
    io.stdout.on("resize", this.#resize);
    if (this.#isRaw) io.stdin.setRawMode?.(true);
  }

  /** On every way out; `cutOff`: the command did not end by itself. */
  restore(cutOff: boolean): void {
    this.#io.stdout.off("resize", this.#resize);
    if (this.#isRaw) this.#io.stdin.setRawMode?.(false);
    if (cutOff && this.#io.stdout.isTTY === true) this.#io.stdout.write(softReset);
  }
}

/** The contract has no frame for a resize: a second command sets the size of the first one's terminal. */
class Resizer {
  readonly #session: Session;
  readonly #pid: number;
  readonly #privileged: boolean;
  #wanted: TerminalSize | undefined;
  #isRunning = false;

  constructor(session: Session, pid: number, privileged: boolean) {
    this.#session = session;
    this.#pid = pid;
    this.#privileged = privileged;
  }

  /** One at a time; of sizes that come meanwhile the last one counts. */
  follow(size: TerminalSize): void {
    this.#wanted = size;
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#wanted !== undefined) {
      const { columns, rows } = this.#wanted;
      this.#wanted = undefined;
      await this.#set(columns, rows).catch(() => undefined); // it may have ended; a wrong size is no reason to fail
    }
    this.#isRunning = false;
  }

  async #set(columns: number, rows: number): Promise<void> {
    const script = 'stty rows "$1" cols "$2" < "/proc/$3/fd/0"';
    const argv = ["sh", "-c", script, "sh", `${rows}`, `${columns}`, `${this.#pid}`];
    const command = await this.#session.start(argv, { privileged: this.#privileged, timeoutMs: 10_000 });
    for await (const _ of command.output); // nothing is said that anybody needs
    await command.exit;
  }
}

function positive(text: string | undefined): number | undefined {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 && value < 65_536 ? value : undefined;
}
