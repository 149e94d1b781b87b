import { TenkiError } from "../../../../domain/error.js";
import type { ExecutionInfo } from "../../../../domain/execution.js";
import { command, type OptionsOf, type Outcome } from "../../../command.js";
import type { Context } from "../../../context.js";
import { tellEnd } from "../../../exec/exec-in-session.js";
import { codeOfExit } from "../../../exec/exit-status.js";
import { findExecution } from "../../../find-execution.js";
import { flag, required } from "../../../flags/flag.js";
import { execution } from "../../../flags/parsers/executions.js";
import { positiveDuration } from "../../../flags/parsers/times.js";
import type { InterruptedError } from "../../../interrupts.js";
import { executionView } from "../../../output/views/execution.js";

export const define = command({
  description:
    "Until it has ended, which the end of its session is as well; without --timeout there is no other bound. Ends with\n" +
    "the command's own code, as exec does; 5: it has not ended within --timeout; 4: there is no such execution.\n" +
    "Ctrl-C ends the wait only.",
  arguments: { execution: required("EXECUTION", "its id, or the beginning of it", execution) },
  flags: { timeout: flag("DURATION", "how long to wait (default: until it has ended)", positiveDuration) },
  examples: [["id=$(tenki sandbox exec -d -- make all) && tenki sandbox exec wait $id", "in a script"]],
});

type Options = OptionsOf<typeof define>;

export async function run(options: Options, ctx: Context): Promise<Outcome> {
  const client = await ctx.client();
  const { id } = await findExecution(client, options.execution);
  const progress = await ctx.progress(`waiting for execution ${id}`);
  const ended = await client.executions
    .wait(id, { timeoutMs: options.timeout, signal: ctx.signal })
    .catch((error: unknown) => {
      if (!ctx.signal.aborted) throw error;
      const reason = ctx.signal.reason as InterruptedError;
      throw reason.saying(`interrupted: execution ${id} goes on`, `tenki sandbox exec wait ${id}`);
    })
    .finally(() => progress.stop());
  return outcomeOf(ended, ctx);
}

async function outcomeOf(ended: ExecutionInfo, ctx: Context): Promise<Outcome> {
  if (ended.exit === undefined) {
    throw new TenkiError("aborted", `the execution is lost: ${ended.problem ?? "its exit is not known"}`);
  }
  if (ctx.common.output === "text") await tellEnd(ended.exit, ended.argv[0] ?? "", ctx);
  return {
    view: ctx.common.output === "text" ? undefined : executionView(ended),
    exitCode: codeOfExit(ended.exit),
  };
}
