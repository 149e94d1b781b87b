import type { RunningCommand, Session } from "../../client/index.js";
import type { CommandExit } from "../../domain/command.js";
import type { Context } from "../context.js";
import type { OutputStream } from "../io.js";
import { writeBytes } from "../output/write.js";
import { CapturedOutput } from "./captured-output.js";
import { SignalLadder } from "./signal-ladder.js";
import { StdinPump } from "./stdin-pump.js";
import { Terminal, terminalSize } from "./terminal.js";

export interface RunOptions {
  readonly argv: readonly string[];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly privileged: boolean;
  readonly timeoutMs: number | undefined;
  readonly stdin: boolean;
  readonly tty: boolean;
  /** Keep the outputs in place of passing them on. */
  readonly capture: boolean;
}

export interface RunResult {
  readonly exit: CommandExit;
  readonly captured: CapturedOutput | undefined;
}

/** Runs a command in a session with this side's streams, signals and terminal, until its outputs are at their end. */
export async function runCommand(session: Session, options: RunOptions, ctx: Context): Promise<RunResult> {
  const { io } = ctx;
  const command = await session.start(options.argv, {
    cwd: options.cwd,
    env: options.tty ? { TERM: io.env["TERM"] ?? "xterm", ...options.env } : options.env,
    privileged: options.privileged,
    timeoutMs: options.timeoutMs,
    stdin: options.stdin,
    terminal: options.tty ? terminalSize(io) : undefined,
    signal: ctx.signal,
  });
  const captured = options.capture ? new CapturedOutput() : undefined;
  const giveSignalsBack = ctx.takeSignals();
  const ladder = new SignalLadder(io, command);
  const terminal = options.tty ? new Terminal(io, command) : undefined;
  const pump = options.stdin ? new StdinPump(io.stdin, command) : undefined;
  let cutOff = true;
  try {
    const streamed = passOn(command, io, captured);
    streamed.catch(() => undefined);
    await Promise.race([streamed, ladder.over]);
    const exit = await Promise.race([command.exit, ladder.over]);
    cutOff = false;
    return { exit, captured };
  } finally {
    terminal?.restore(cutOff);
    pump?.stop();
    ladder.release();
    giveSignalsBack();
    if (cutOff) command.close();
  }
}

type Outputs = Readonly<Record<"stdout" | "stderr", OutputStream>>;

/** Byte for byte, in the order in which it came; a reader that is slow slows the command. */
async function passOn(
  command: RunningCommand,
  io: Outputs,
  captured: CapturedOutput | undefined,
): Promise<void> {
  for await (const { kind, data } of command.output) {
    if (captured !== undefined) captured.add(kind, data);
    else await writeBytes(io[kind], data);
  }
}
