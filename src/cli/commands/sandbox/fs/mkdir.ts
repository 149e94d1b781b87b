import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { toggle } from "../../../flags/flag.js";
import { pathArgument, pathFlag, pathOf } from "../../../fs-path.js";
import { doneView, type View } from "../../../output/view.js";

export const define = command({
  needsSession: true,
  arguments: { file: pathArgument },
  flags: {
    path: pathFlag,
    parents: toggle("make its parents too, and do not mind that it is there", { short: "p" }),
  },
  examples: [["tenki sandbox fs mkdir -p project/src", "with its parents"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const path = pathOf(options);
  const session = await ctx.session(options.session);
  await session.mkdir(path, { recursive: options.parents === true });
  return doneView(`made ${path}`, { path });
}
