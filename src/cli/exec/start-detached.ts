import type { Session } from "../../client/index.js";
import { TenkiError } from "../../domain/error.js";
import type { ExecutionInfo } from "../../domain/execution.js";
import type { Context } from "../context.js";
import { startResumed } from "../resume-first.js";
import type { ExecOptions } from "./exec-in-session.js";
import { environmentOf } from "./run-command.js";
import { terminalSize } from "./terminal.js";

/** Starts a command that goes on without us. */
export function startDetached(session: Session, options: ExecOptions, ctx: Context): Promise<ExecutionInfo> {
  const start = () => startOnce(session, options, ctx);
  return options.resume === true ? startResumed(session, ctx, start) : start();
}

async function startOnce(session: Session, options: ExecOptions, ctx: Context): Promise<ExecutionInfo> {
  const env = environmentOf(options, ctx.io.env);
  try {
    return await session.executions.start(options.argv, {
      ...{ cwd: options.cwd, env, privileged: options.privileged, timeoutMs: options.timeoutMs },
      stdin: options.interactive || options.tty,
      terminal: options.tty ? terminalSize(ctx.io) : undefined,
    });
  } catch (error) {
    if (!(error instanceof TenkiError) || error.kind !== "unimplemented") throw error;
    return startByContract(session, options, error);
  }
}

/** Where the service has no more than the contract's own call, which knows the session's directory and user only. */
function startByContract(session: Session, options: ExecOptions, cause: TenkiError): Promise<ExecutionInfo> {
  const beyond = [
    ["--tty", options.tty],
    ["--interactive", options.interactive],
    ["--cwd", options.cwd !== undefined],
    ["--user root", options.privileged],
  ] as const;
  const asked = beyond.flatMap(([name, isAsked]) => (isAsked ? [name] : []));
  if (asked.length > 0) {
    const message = `this service cannot detach a command with ${asked.join(" and ")}`;
    throw new TenkiError("unimplemented", message, { cause });
  }
  const [program = "", ...args] = options.argv;
  const { env, timeoutMs } = options;
  return session.executions.startStreamed(program, { args, env, timeoutMs });
}
