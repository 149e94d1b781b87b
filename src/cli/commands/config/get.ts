import { TenkiError } from "../../../domain/error.js";
import { command, type OptionsOf } from "../../command.js";
import { configKeyNames, knownKey } from "../../config/config-keys.js";
import type { Context } from "../../context.js";
import { required } from "../../flags/flag.js";
import { filled } from "../../flags/parsers/words.js";
import { textView, type View } from "../../output/view.js";

export const define = command({
  description: `Prints the value as it is, a secret too. Keys: ${configKeyNames.join(", ")}.`,
  arguments: { key: required("KEY", "which setting", filled) },
  examples: [["tenki config get current_session_id", "the session that commands are for"]],
});

export async function run({ key }: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const value = await ctx.config.get(key);
  if (value !== undefined) return textView(value, value);
  throw new TenkiError("not_found", `"${key}" is not set in ${ctx.config.path}`, {
    hint: `tenki config set ${knownKey(key)} VALUE`,
  });
}
