import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { flag, required } from "../../../flags/flag.js";
import { integer } from "../../../flags/parsers/words.js";
import { remotePath } from "../../../flags/parsers/paths.js";
import { repository, revision } from "../../../flags/parsers/git.js";
import { saidByGit } from "../../../git-views.js";
import type { View } from "../../../output/view.js";

export const define = command({
  description:
    "Into a directory of the repository's name below /home/tenki, unless --directory says otherwise. The session's\n" +
    "token (create --github-token-env) opens private repositories of github.com.",
  needsSession: true,
  arguments: { repo: required("URL", "where the repository is", repository) },
  flags: {
    branch: flag("NAME", "the branch or tag to check out (default: the repository's own)", revision),
    depth: flag("N", "so many commits of each branch (default: all)", integer({ min: 1, max: 999_999_999 })),
    directory: flag("DIR", "where to, rooted in /home/tenki", remotePath),
  },
  examples: [
    ["tenki sandbox git clone https://github.com/octocat/Hello-World --depth 1", "the newest state only"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const { repo, branch, depth, directory } = options;
  const { timeoutMs } = ctx.common;
  const session = await ctx.session(options.session);
  const progress = await ctx.progress("cloning");
  const output = await session.git
    .clone(repo, { branch, depth, directory, timeoutMs })
    .finally(() => progress.stop());
  return saidByGit("clone", output);
}
