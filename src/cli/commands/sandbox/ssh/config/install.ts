import { command, type OptionsOf } from "../../../../command.js";
import type { Context } from "../../../../context.js";
import { doneView, type View } from "../../../../output/view.js";
import { changeInstallation, install } from "../../../../ssh-config/installation.js";
import { fileFlag, forceFlag } from "../../../../ssh-config/ssh-config-flags.js";
import { isReadBySsh } from "../../../../ssh-config/user-config.js";

export const define = command({
  description:
    "Puts one Include before everything else in ~/.ssh/config; not another byte of it is changed, and a copy is kept\n" +
    "beside it. Then ssh, scp, sftp, rsync, git and editors reach sessions as sbx-<id> and sbx-<name>, as tenki.\n" +
    "May be run again at any time.",
  flags: { ...fileFlag, ...forceFlag },
  examples: [
    ["tenki sandbox ssh config install", "once"],
    ["tenki sandbox ssh config install && rsync -a ./src sbx-demo:", "and what it is for"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  return changeInstallation(options, ctx, async (found) => {
    const changed = await install(found, ctx);
    const { path } = found.user;
    if (options.file === undefined && !isReadBySsh(undefined, ctx))
      await ctx.warn(`warning: HOME is not the user's home directory: ssh reads this with -F ${path} only`);
    const message = changed ? `ssh finds sessions as sbx-<id> and sbx-<name> (${path})` : "nothing to change";
    return doneView(message, { config_file: path, included_file: found.included.path, changed });
  });
}
