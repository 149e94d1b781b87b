import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { flag, required } from "../../../flags/flag.js";
import { integer } from "../../../flags/parsers/words.js";
import { remotePath } from "../../../flags/parsers/paths.js";
import { revision } from "../../../flags/parsers/git.js";
import { saidByGit } from "../../../git-views.js";
import type { View } from "../../../output/view.js";

export const define = command({
  description:
    "Into a branch of its own, pr-NUMBER. In the one repository that there is below /home/tenki, unless --directory\n" +
    "names it.",
  needsSession: true,
  arguments: { number: required("NUMBER", "the pull request", integer({ min: 1, max: 999_999_999 })) },
  flags: {
    directory: flag("DIR", "the repository, rooted in /home/tenki", remotePath),
    remote: flag("NAME", "where it is fetched from (default: origin)", revision),
    branchPrefix: flag("TEXT", "what the branch's name begins with (default: pr)", revision),
  },
  examples: [["tenki sandbox git fetch-pr 42 --session demo", "as the branch pr-42"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const { number, directory, remote, branchPrefix } = options;
  const { timeoutMs } = ctx.common;
  const session = await ctx.session(options.session);
  const output = await session.git.fetchPR(number, { directory, remote, branchPrefix, timeoutMs });
  return saidByGit("fetch-pr", output || `pull request ${number} is checked out`);
}
