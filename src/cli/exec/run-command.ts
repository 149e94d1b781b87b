import type { RunningCommand, Session } from "../../client/index.js";
import type { CommandExit } from "../../domain/command.js";
import type { Context } from "../context.js";
import { startResumed } from "../resume-first.js";
import { CapturedOutput } from "./captured-output.js";
import { ConnectionWatch } from "./connection-watch.js";
import { OutputBursts } from "./output-bursts.js";
import { passOn } from "./pass-on.js";
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
  /** Resume the session first where it is paused. Default: a paused session refuses. */
  readonly resume?: boolean | undefined;
  /** Keep the outputs in place of passing them on. */
  readonly capture: boolean;
  /** How long a command may take to end after SIGTERM or SIGHUP. Default: as long as it likes. */
  readonly endGraceMs?: number | undefined;
}

export interface RunResult {
  readonly exit: CommandExit;
  readonly captured: CapturedOutput | undefined;
}

/** Runs a command in a session with this side's streams, signals and terminal, until its outputs are at their end. */
export async function runCommand(session: Session, options: RunOptions, ctx: Context): Promise<RunResult> {
  const watch = new ConnectionWatch(ctx);
  const bursts = options.capture || options.tty ? undefined : OutputBursts.of(ctx.io);
  const start = () => startCommand(session, options, ctx, { watch, bursts });
  const command = await (options.resume === true ? startResumed(session, ctx, start) : start());
  const captured = options.capture ? new CapturedOutput() : undefined;
  const ladder = new SignalLadder(ctx.io, command, { watch, endGraceMs: options.endGraceMs });
  const giveSignalsBack = ctx.takeSignals();
  const terminal = options.tty ? new Terminal(ctx.io, command, watch) : undefined;
  const pump = options.stdin ? new StdinPump(ctx.io.stdin, command) : undefined;
  let cutOff = true;
  try {
    const streamed = passOn(command.output, ctx.io, { captured, terminal, bursts });
    streamed.catch(() => undefined);
    await Promise.race([streamed, ladder.over]);
    const exit = await Promise.race([command.exit, ladder.over]);
    cutOff = false;
    return { exit, captured };
  } finally {
    terminal?.restore(cutOff);
    pump?.stop();
    giveSignalsBack();
    ladder.release();
    if (cutOff) command.close();
  }
}

function startCommand(
  session: Session,
  options: RunOptions,
  { io, signal }: Context,
  { watch, bursts }: { readonly watch: ConnectionWatch; readonly bursts: OutputBursts | undefined },
): Promise<RunningCommand> {
  return session.start(options.argv, {
    cwd: options.cwd,
    env: environmentOf(options, io.env),
    privileged: options.privileged,
    timeoutMs: options.timeoutMs,
    stdin: options.stdin,
    terminal: options.tty ? terminalSize(io) : undefined,
    signal,
    resumable: true,
    onConnection: watch.onConnection,
    bursts,
  });
}

/** A terminal's programs have to know what it is. */
export function environmentOf(
  { tty, env }: Pick<RunOptions, "tty" | "env">,
  here: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return tty ? { TERM: here["TERM"] ?? "xterm", ...env } : env;
}
