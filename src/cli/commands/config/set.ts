import { TenkiError } from "../../../domain/error.js";
import { nearestWord } from "../../../lib/nearest-word.js";
import { command, type OptionsOf } from "../../command.js";
import { type ConfigKey, configKeyNames, configKeys } from "../../config/config-keys.js";
import type { Context } from "../../context.js";
import { required } from "../../flags/flag.js";
import { endpoint, filled, text } from "../../flags/parsers.js";
import { doneView, type View } from "../../output/view.js";
import { readStdinText } from "../../read-stdin.js";

export const define = command({
  description:
    `Keys: ${configKeyNames.join(", ")}.\n` +
    "An empty value removes the key. - reads the value from stdin, which keeps a secret off the command line.",
  arguments: {
    key: required("KEY", "which setting", filled),
    value: required("VALUE", "its value; - for stdin", text),
  },
  examples: [
    ["tenki config set api_endpoint local", "use the engine on this machine"],
    ["tenki config set auth_token - < token.txt", "a secret, from a file"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const key = knownKey(options.key);
  const value = options.value === "-" ? await readStdinText(ctx.io.stdin) : options.value;
  await ctx.config.update({ [key]: checkValue(key, value) });
  return doneView(value === "" ? `removed ${key}` : `set ${key} in ${ctx.config.path}`, { key });
}

function knownKey(key: string): ConfigKey {
  if (key in configKeys) return key as ConfigKey;
  const near = nearestWord(key, configKeyNames);
  throw new TenkiError("usage", `unknown key "${key}"${near === undefined ? "" : `, did you mean ${near}?`}`);
}

function checkValue(key: ConfigKey, value: string): string | undefined {
  if (value === "") return undefined;
  if (/[\0\r\n]/.test(value)) throw new TenkiError("usage", `invalid value for ${key}: expected one line`);
  if (key !== "api_endpoint") return value;
  const address = endpoint.read(value);
  if (address !== undefined) return address;
  throw new TenkiError("usage", `invalid endpoint "${value}" for ${key}: expected ${endpoint.expected}`);
}
