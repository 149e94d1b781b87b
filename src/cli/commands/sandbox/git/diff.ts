import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { flag } from "../../../flags/flag.js";
import { filled } from "../../../flags/parsers/words.js";
import { revision } from "../../../flags/parsers/git.js";
import { directoryFlag, shownByGit } from "../../../git-views.js";
import type { View } from "../../../output/view.js";

export const define = command({
  description:
    "Of the working tree against what is staged; with --base against that; with --head too, from one to the other.\n" +
    "In the repository that was cloned last, unless --directory names another.",
  needsSession: true,
  flags: {
    range: flag("RANGE", "as in main..feature, in place of --base and --head", revision),
    base: flag("REF", "from where", revision),
    head: flag("REF", "to where", revision),
    path: flag("PATH", "of this file or directory only", filled),
    directory: directoryFlag,
  },
  examples: [["tenki sandbox git diff | git apply", "take over what was changed inside"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View | undefined> {
  const { range, base, head, path, directory } = options;
  const { timeoutMs } = ctx.common;
  const session = await ctx.session(options.session);
  return shownByGit("diff", await session.git.diff({ range, base, head, path, directory, timeoutMs }), ctx);
}
