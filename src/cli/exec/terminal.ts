import type { RunningCommand } from "../../client/index.js";
import type { TerminalSize } from "../../domain/command.js";
import type { Io } from "../io.js";
import type { ConnectionWatch } from "./connection-watch.js";

/** The size of the terminal in front of us; where there is none, as the environment says, or 80×24. */
export function terminalSize({ stdout, env }: Io): TerminalSize {
  return {
    columns: stdout.columns ?? positive(env["COLUMNS"]) ?? 80,
    rows: stdout.rows ?? positive(env["LINES"]) ?? 24,
  };
}

/**
 * What a program that was cut off leaves behind, undone: cursor shown, no mouse or focus reports, no bracketed paste,
 * keys and wrapping as usual, no colours.
 */
const softReset = "\u001b[?25h\u001b[?1000;1002;1003;1004;1006;2004l\u001b[?1l\u001b>\u001b[?7h\u001b[m";

const leaveAlternateScreen = "\u001b[?1049l";
const screenSwitch = /\u001b\[\?(?:1049|1047|47)([hl])/g; // oxlint-disable-line no-control-regex
const longestSwitchBytes = 8;

/** Puts this side's terminal into raw mode while a command has it, and keeps the sizes equal. */
export class Terminal {
  readonly #io: Io;
  readonly #resize: () => void;
  readonly #canBeRaw: boolean;
  #onAlternateScreen = false;
  /** The end of what was seen: a sequence may come in two pieces. */
  #seen = "";

  /** While the connection is lost the terminal is one's own: Ctrl-C is a signal again. */
  constructor(io: Io, command: RunningCommand, watch: ConnectionWatch) {
    this.#io = io;
    this.#canBeRaw = io.stdin.isTTY === true && io.stdin.setRawMode !== undefined;
    this.#resize = () => void command.resize(terminalSize(io)).catch(() => undefined);
    io.stdout.on("resize", this.#resize);
    this.#setRaw(true);
    watch.onChange((state) => this.#setRaw(state === "back"));
  }

  /** Output on its way to the screen. */
  see(data: Uint8Array): void {
    const text = this.#seen + Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1");
    const last = text.includes("\u001b[?") ? [...text.matchAll(screenSwitch)].at(-1) : undefined;
    if (last !== undefined) this.#onAlternateScreen = last[1] === "h";
    this.#seen = text.slice(-longestSwitchBytes);
  }

  /** On every way out; `cutOff`: the command did not end by itself. */
  restore(cutOff: boolean): void {
    this.#io.stdout.off("resize", this.#resize);
    this.#setRaw(false);
    if (!cutOff || this.#io.stdout.isTTY !== true) return;
    this.#io.stdout.write(this.#onAlternateScreen ? softReset + leaveAlternateScreen : softReset);
  }

  #setRaw(raw: boolean): void {
    if (this.#canBeRaw) this.#io.stdin.setRawMode?.(raw);
  }
}

function positive(text: string | undefined): number | undefined {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 && value < 65_536 ? value : undefined;
}
