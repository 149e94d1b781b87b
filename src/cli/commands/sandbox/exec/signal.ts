import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findExecution } from "../../../find-execution.js";
import { flag, required } from "../../../flags/flag.js";
import { execution, signalName } from "../../../flags/parsers/executions.js";
import { doneView, type View } from "../../../output/view.js";

export const define = command({
  description: "To the command and what it started beside it (its process group).",
  arguments: { execution: required("EXECUTION", "its id, or the beginning of it", execution) },
  flags: { signal: flag("NAME", "which (default: TERM)", signalName) },
  examples: [["tenki sandbox exec signal 5b0e4f6e --signal INT", "as Ctrl-C does"]],
});

type Options = OptionsOf<typeof define>;

export async function run({ execution, signal = "TERM" }: Options, ctx: Context): Promise<View> {
  const client = await ctx.client();
  const { id } = await findExecution(client, execution);
  await client.executions.signal(id, signal);
  return doneView(`sent SIG${signal} to execution ${id}`, { id, signal });
}
