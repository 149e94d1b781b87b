import type { Session } from "../../../client/index.js";
import { command, type OptionsOf, type Outcome } from "../../command.js";
import type { Context } from "../../context.js";
import { createFlags, waitTimeoutFlag } from "../../create/create-flags.js";
import { createOptions } from "../../create/create-options.js";
import {
  commandLine,
  programArgument,
  shellLineFlag,
  streamFlags,
  surroundingsFlags,
  timeoutFlag,
} from "../../exec/command-flags.js";
import { execInSession, refuseCapturedTerminal } from "../../exec/exec-in-session.js";
import { toggle } from "../../flags/flag.js";
import { defaultWaitMs } from "../../session-options.js";

/** A command that was told to end by SIGTERM or SIGHUP holds its session up no longer. */
const endGraceMs = 10_000;

export const define = command({
  description:
    "Makes a session, runs one command in it as exec does, and terminates it: when the command has ended, when it could\n" +
    "not be started, at Ctrl-C, SIGTERM and SIGHUP, and when stdout is closed. The current session stays what it is.\n" +
    "With --keep the session stays, and becomes the current one.\n\n" +
    "What ends tenki without a word (SIGKILL, the power) leaves the session to its own limits: --max-duration sets one.\n" +
    "Ends with the command's own code, and with 124 to 127 as exec does.",
  runsCommand: true,
  arguments: { program: programArgument },
  flags: {
    ...shellLineFlag,
    ...timeoutFlag,
    ...streamFlags,
    keep: toggle("leave the session, and say its id"),
    ...createFlags,
    ...surroundingsFlags,
    ...waitTimeoutFlag,
  },
  examples: [
    ["tenki sandbox run -- python3 -c 'print(1)'", "one command in a sandbox of its own"],
    ["tenki sandbox run -t --image debian:12 -- bash", "a shell, and nothing left of it"],
    ["tenki sandbox run --max-duration 10m --timeout 5m -c 'make test'", "with bounds"],
  ],
});

type Options = OptionsOf<typeof define>;

export async function run(options: Options, ctx: Context): Promise<Outcome> {
  const argv = commandLine(options);
  refuseCapturedTerminal(options.tty, ctx);
  const created = await createOptions(options, ctx);
  const client = await ctx.client();
  const letGo = ctx.holdEnd();
  try {
    const session = await client.create({ ...created, waitReady: false });
    return await inSession(session, options, ctx, () => runIn(session, argv, options, ctx));
  } finally {
    letGo();
  }
}

async function runIn(
  session: Session,
  argv: readonly string[],
  options: Options,
  ctx: Context,
): Promise<Outcome> {
  const progress = await ctx.progress("creating a session");
  await session.waitReady(options.waitTimeout ?? defaultWaitMs, ctx.signal).finally(() => progress.stop());
  const how = {
    ...{ argv, env: {}, cwd: options.cwd, privileged: options.user === "root" },
    timeoutMs: options.timeout,
    interactive: options.interactive === true,
    tty: options.tty === true,
    fields: { session_id: session.id },
    endGraceMs,
  };
  return execInSession(session, how, ctx);
}

/** Whatever becomes of `action`, the session is terminated, or said to be there. */
async function inSession(
  session: Session,
  { keep }: Options,
  ctx: Context,
  action: () => Promise<Outcome>,
): Promise<Outcome> {
  try {
    return await action();
  } finally {
    await (keep === true ? announce(session, ctx) : terminate(session, ctx)).catch(() => undefined);
  }
}

async function announce(session: Session, ctx: Context): Promise<void> {
  await ctx.config.update({ current_session_id: session.id });
  await ctx.note(`session ${session.id} is kept, and is the current one`);
}

async function terminate(session: Session, ctx: Context): Promise<void> {
  try {
    await session.closeIfOpen();
  } catch (error) {
    await ctx.warn(`warning: session ${session.id} was not terminated: ${(error as Error).message}`);
    await ctx.warn(`hint: tenki sandbox terminate ${session.id}`);
  }
}
