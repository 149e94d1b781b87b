import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { flag } from "../../../flags/flag.js";
import { filled, integer } from "../../../flags/parsers/words.js";
import { revision } from "../../../flags/parsers/git.js";
import { directoryFlag, shownByGit } from "../../../git-views.js";
import type { View } from "../../../output/view.js";

export const define = command({
  description: "The newest first. In the repository that was cloned last, unless --directory names another.",
  needsSession: true,
  flags: {
    maxCount: flag("N", "so many at most", integer({ min: 1, max: 999_999_999 }), { short: "n" }),
    range: flag("RANGE", "a revision, or a range as in main..feature", revision),
    path: flag("PATH", "of this file or directory only", filled),
    directory: directoryFlag,
  },
  examples: [["tenki sandbox git log -n 10", "the last ten"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View | undefined> {
  const { maxCount, range, path, directory } = options;
  const { timeoutMs } = ctx.common;
  const session = await ctx.session(options.session);
  return shownByGit("log", await session.git.log({ maxCount, range, path, directory, timeoutMs }), ctx);
}
