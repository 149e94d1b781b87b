import { TenkiError } from "../../../../domain/error.js";
import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { toggle } from "../../../flags/flag.js";
import type { View } from "../../../output/view.js";
import { executionsView } from "../../../output/views/execution.js";

export const define = command({
  description: "Those that exec --detach started, newest first, with what became of them.",
  needsSession: true,
  flags: {
    all: toggle("of all sessions"),
    running: toggle("only those that have not ended"),
  },
  examples: [["tenki sandbox exec list --all --running", "what goes on, wherever"]],
});

type Options = OptionsOf<typeof define>;

export async function run({ session, all, running }: Options, ctx: Context): Promise<View> {
  const runningOnly = running === true;
  if (all !== true) {
    const { executions } = await ctx.session(session);
    return executionsView(await executions.list({ runningOnly }));
  }
  if (session !== undefined) {
    throw new TenkiError("usage", "--all and a session's name contradict each other");
  }
  return executionsView(await (await ctx.client()).executions.list({ runningOnly }));
}
