import { rm } from "node:fs/promises";
import { command, type OptionsOf } from "../../../../command.js";
import type { Context } from "../../../../context.js";
import { doneView, type View } from "../../../../output/view.js";
import { changeInstallation, type Installation } from "../../../../ssh-config/installation.js";
import { fileFlag, forceFlag } from "../../../../ssh-config/ssh-config-flags.js";
import { dropBackup, removeUserConfig, replaceUserConfig } from "../../../../ssh-config/user-config.js";

export const define = command({
  description: "Leaves ~/.ssh/config as it was, byte for byte; a file that was made for it goes. Keys stay.",
  flags: { ...fileFlag, ...forceFlag },
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  return changeInstallation(options, ctx, async (found) => {
    const { user, block, included } = found;
    const changed = block.state !== "missing";
    if (changed) await takeOut(found);
    await rm(included.path, { force: true });
    const message = changed ? `tenki is taken out of ${user.path}` : `it was not installed in ${user.path}`;
    return doneView(message, { config_file: user.path, changed });
  });
}

async function takeOut({ user, block }: Installation): Promise<void> {
  if (block.madeFile && block.rest === "") await removeUserConfig(user);
  else await replaceUserConfig(user, block.rest);
  await dropBackup(user, block.rest);
}
