import type { AttachedCommand, AttachOptions, Client } from "../../client/index.js";
import type { CommandExit } from "../../domain/command.js";
import { TenkiError } from "../../domain/error.js";
import type { ExecutionInfo } from "../../domain/execution.js";
import type { Outcome } from "../command.js";
import type { Context } from "../context.js";
import type { InterruptedError } from "../interrupts.js";
import { objectView } from "../output/view.js";
import { CapturedOutput } from "./captured-output.js";
import { ConnectionWatch } from "./connection-watch.js";
import { DetachKeys } from "./detach-keys.js";
import { resultFields, tellEnd } from "./exec-in-session.js";
import { codeOfExit } from "./exit-status.js";
import { fromWholeLine, noteGap } from "./output-begin.js";
import { passOn } from "./pass-on.js";
import { StdinPump } from "./stdin-pump.js";
import { Terminal, terminalSize } from "./terminal.js";

export interface AttachHereOptions {
  readonly interactive: boolean | undefined;
  /** Bytes. */
  readonly tail: number | undefined;
  readonly replay: boolean;
  readonly detachKeys: Uint8Array | undefined;
}

/** What a screen holds, with its colours, and some more. */
const screenfulBytes = 8 * 1024;
const ctrlPCtrlQ = Uint8Array.of(0x10, 0x11);

/** Joins an execution with this side's streams and terminal, until it ends or is left. */
export async function attachHere(
  client: Client,
  info: ExecutionInfo,
  options: AttachHereOptions,
  ctx: Context,
): Promise<Outcome> {
  checkInput(info, options);
  const tty = info.terminal && ctx.io.stdin.isTTY === true && ctx.io.stdout.isTTY === true;
  const watch = new ConnectionWatch(ctx);
  const command = await client.executions.attach(info.id, {
    ...range(info, options, tty),
    terminal: tty ? oneRowLess(ctx) : undefined,
    signal: ctx.signal,
    resumable: true,
    onConnection: watch.onConnection,
  });
  const captured = ctx.common.output === "text" ? undefined : new CapturedOutput();
  const exit = await follow(command, { info, options, ctx, watch, tty, captured });
  if (exit === undefined) {
    await ctx.note(`execution ${info.id} goes on: tenki sandbox exec attach ${info.id}`);
    return {};
  }
  const exitCode = codeOfExit(exit);
  if (captured !== undefined) {
    return { view: objectView({ id: info.id, ...resultFields(exit, captured) }), exitCode };
  }
  await tellEnd(exit, info.argv[0] ?? "", ctx);
  return { exitCode };
}

interface Following {
  readonly info: ExecutionInfo;
  readonly options: AttachHereOptions;
  readonly ctx: Context;
  readonly watch: ConnectionWatch;
  readonly tty: boolean;
  readonly captured: CapturedOutput | undefined;
}

/** Undefined where it was left by its keys. */
async function follow(command: AttachedCommand, following: Following): Promise<CommandExit | undefined> {
  const { info, options, ctx, watch, tty, captured } = following;
  let leave: () => void = () => undefined;
  const left = new Promise<undefined>((resolve) => (leave = () => resolve(undefined)));
  const terminal = tty ? new Terminal(ctx.io, command, watch) : undefined;
  const keys = new DetachKeys(options.detachKeys ?? ctrlPCtrlQ);
  const pump =
    tty || options.interactive === true
      ? new StdinPump(ctx.io.stdin, command, { detach: tty ? { keys, leave } : undefined, closesAtEnd: !tty })
      : undefined;
  let exit: CommandExit | undefined;
  try {
    if (tty)
      await command.resize(terminalSize(ctx.io)); // the second size, so that there is a change to draw for
    else if (options.replay && options.tail === undefined) await noteGap(command.outputOffset, ctx);
    const output = tty && command.outputOffset > 0 ? fromWholeLine(command.output) : command.output;
    const ended = passOn(output, ctx.io, { captured, terminal }).then(() => command.exit);
    exit = await Promise.race([ended, left]);
    ended.catch(() => undefined);
    return exit;
  } catch (error) {
    if (!ctx.signal.aborted) throw error;
    const reason = ctx.signal.reason as InterruptedError;
    const hint = `tenki sandbox exec attach ${info.id}`;
    throw reason.saying(`interrupted: execution ${info.id} goes on`, hint);
  } finally {
    terminal?.restore(exit === undefined);
    pump?.stop();
    command.close();
  }
}

function checkInput(info: ExecutionInfo, { interactive }: AttachHereOptions): void {
  if (interactive !== true || info.takesInput || info.terminal) return;
  throw new TenkiError("failed_precondition", `execution ${info.id} takes no input`, {
    hint: "tenki sandbox exec --detach --interactive starts one that does",
  });
}

/** Where its output begins: for a program that reads it with the first that is kept, for a person with a screenful. */
function range(
  info: ExecutionInfo,
  { tail, replay }: AttachHereOptions,
  tty: boolean,
): Pick<AttachOptions, "outputOffset" | "tailBytes"> {
  if (!replay) return { outputOffset: info.outputBytes };
  return { tailBytes: tail ?? (tty ? screenfulBytes : undefined) };
}

/** A first size, which the real one then differs from. */
function oneRowLess({ io }: Context) {
  const { columns, rows } = terminalSize(io);
  return { columns, rows: Math.max(1, rows - 1) };
}
