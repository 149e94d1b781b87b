import { command, type OptionsOf, type Outcome } from "../../../command.js";
import type { Context } from "../../../context.js";
import { attachHere } from "../../../exec/attach-here.js";
import { findExecution } from "../../../find-execution.js";
import { flag, required, toggle, toggleFrom } from "../../../flags/flag.js";
import { detachKeys, execution } from "../../../flags/parsers/executions.js";
import { size } from "../../../flags/parsers/sizes.js";

export const define = command({
  description:
    "Prints what it has written, and what it writes, until it ends; then ends with its code. Of an execution with a\n" +
    "terminal a screenful is shown first, and it is asked to draw itself again. Any number may be attached at once.\n\n" +
    "On a terminal, with an execution that has one, keys go to the command, Ctrl-C too; Ctrl-P Ctrl-Q leaves it running.\n" +
    "Otherwise input is passed on with -i, and Ctrl-C leaves it running.\n" +
    "4: there is no such execution; 5: the service cannot be reached.",
  arguments: { execution: required("EXECUTION", "its id, or the beginning of it", execution) },
  flags: {
    interactive: toggle("pass stdin on", { short: "i" }),
    tail: flag("SIZE", "begin so much before its present end, like 64KB", size),
    replay: toggleFrom(true, "only what comes from now on"),
    detachKeys: flag("KEYS", 'what leaves it (default: ctrl-p,ctrl-q; "" for none)', detachKeys),
  },
  examples: [
    ["tenki sandbox exec attach 5b0e4f6e", "by the beginning of its id"],
    ["tenki sandbox exec attach 5b0e4f6e --tail 4KB | grep -i error", "the end of it, and what comes"],
  ],
});

type Options = OptionsOf<typeof define>;

export async function run(options: Options, ctx: Context): Promise<Outcome> {
  const client = await ctx.client();
  const info = await findExecution(client, options.execution);
  return attachHere(client, info, options, ctx);
}
