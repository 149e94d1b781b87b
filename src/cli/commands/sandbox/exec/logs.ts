import { command, type OptionsOf, type Result } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findLogs } from "../../../exec/find-logs.js";
import { logViews } from "../../../exec/log-views.js";
import { passOn } from "../../../exec/pass-on.js";
import { CapturedOutput } from "../../../exec/captured-output.js";
import { flag, required, toggle } from "../../../flags/flag.js";
import { execution } from "../../../flags/parsers/executions.js";
import { integer } from "../../../flags/parsers/words.js";
import { liveView, objectView } from "../../../output/view.js";

export const define = command({
  description:
    "Both outputs as they were written, apart, also after the command has ended. What is no longer kept of a long\n" +
    "output is said on stderr. --json prints one object; with --follow one document for each piece.\n\n" +
    "--session is for a service that knows an execution by its session only; such a one is followed to its end.",
  needsSession: true,
  arguments: { execution: required("EXECUTION", "its id, or the beginning of it", execution) },
  flags: {
    follow: toggle("go on with what comes, until it has ended", { short: "f" }),
    tail: flag("N", "the last lines only", integer({ min: 0, max: 1_000_000 })),
  },
  examples: [
    ["tenki sandbox exec logs 5b0e4f6e > build.log", "what there is"],
    ["tenki sandbox exec logs 5b0e4f6e --follow --tail 20", "the end, and what comes"],
  ],
});

type Options = OptionsOf<typeof define>;

export async function run(options: Options, ctx: Context): Promise<Result> {
  const { execution, session, tail } = options;
  const follow = options.follow === true;
  const { fields, output } = await findLogs({ execution, session, tail, follow }, ctx);
  if (ctx.common.output === "text") {
    await passOn(output, ctx.io, {});
    return undefined;
  }
  if (follow) return liveView(logViews(output));
  const captured = new CapturedOutput();
  await passOn(output, ctx.io, { captured });
  return objectView({ ...fields, ...captured.fields() });
}
