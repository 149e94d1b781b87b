import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { toggle } from "../../../flags/flag.js";
import { pathArgument, pathFlag, pathOf } from "../../../fs-path.js";
import type { View } from "../../../output/view.js";
import { filesView } from "../../../output/views/file.js";

export const define = command({
  description: "By name, without those whose names begin with a dot. Without a path: /home/tenki.",
  needsSession: true,
  arguments: { file: pathArgument },
  flags: { path: pathFlag, all: toggle("those that begin with a dot too", { short: "a" }) },
  examples: [["tenki sandbox fs ls project --session demo", "a directory of a session"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const path = pathOf(options, ".");
  const session = await ctx.session(options.session);
  const entries = await session.list(path, { includeHidden: options.all === true });
  return filesView(entries.toSorted((a, b) => (a.path < b.path ? -1 : 1)));
}
