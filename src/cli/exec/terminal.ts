import type { RunningCommand } from "../../client/index.js";
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

  constructor(io: Io, command: RunningCommand) {
    this.#io = io;
    this.#isRaw = io.stdin.isTTY === true && io.stdin.setRawMode !== undefined;
    this.#resize = () => void command.resize(terminalSize(io)).catch(() => undefined);
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

function positive(text: string | undefined): number | undefined {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 && value < 65_536 ? value : undefined;
}
