import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { required, toggle } from "../../../flags/flag.js";
import { revision } from "../../../flags/parsers/git.js";
import { directoryFlag, saidByGit } from "../../../git-views.js";
import type { View } from "../../../output/view.js";

export const define = command({
  description: "In the repository that was cloned last, unless --directory names another.",
  needsSession: true,
  arguments: { ref: required("REF", "a branch, a tag or a commit", revision) },
  flags: { create: toggle("make the branch", { short: "b" }), directory: directoryFlag },
  examples: [["tenki sandbox git checkout -b try-it", "a branch of its own"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const { ref, create, directory } = options;
  const { timeoutMs } = ctx.common;
  const session = await ctx.session(options.session);
  return saidByGit("checkout", await session.git.checkout(ref, { create, directory, timeoutMs }));
}
