import { command } from "../../command.js";
import { isSecretKey } from "../../config/config-keys.js";
import type { Context } from "../../context.js";
import { objectView, type View } from "../../output/view.js";

export const define = command({
  description: "What is in the config file, with secrets blanked; `config get` prints a secret.",
});

export async function run(_options: object, ctx: Context): Promise<View> {
  const values = await ctx.config.values();
  return objectView(
    Object.fromEntries([...values].map(([key, value]) => [key, isSecretKey(key) ? "********" : value])),
  );
}
