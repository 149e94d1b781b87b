import { command } from "../../command.js";
import type { Context } from "../../context.js";
import { textView, type View } from "../../output/view.js";

export const define = command({
  description: "Where the config file is, or would be. XDG_CONFIG_HOME is honoured.",
});

export const run = (_options: object, { config }: Context): Promise<View> =>
  Promise.resolve(textView(config.path, { path: config.path }));
