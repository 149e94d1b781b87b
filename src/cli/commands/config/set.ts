import { TenkiError } from "../../../domain/error.js";
import { command, type OptionsOf } from "../../command.js";
import { type ConfigKey, configKeyNames, knownKey } from "../../config/config-keys.js";
import type { Context } from "../../context.js";
import { required } from "../../flags/flag.js";
import { endpoint } from "../../flags/parsers/addresses.js";
import { filled, text, uuid } from "../../flags/parsers/words.js";
import type { Parser } from "../../flags/parsers/parser.js";
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

/** What is sent to the service as it is would be refused there, at every request and in other words. */
const parsers: Readonly<Partial<Record<ConfigKey, Parser<string>>>> = {
  api_endpoint: endpoint,
  workspace_id: uuid,
  project_id: uuid,
};

function checkValue(key: ConfigKey, value: string): string | undefined {
  if (value === "") return undefined;
  if (/[\0\r\n]/.test(value)) throw new TenkiError("usage", `invalid value for ${key}: expected one line`);
  const parser = parsers[key] ?? text;
  const read = parser.read(value);
  if (read !== undefined) return read;
  throw new TenkiError("usage", `invalid ${parser.noun} "${value}" for ${key}: expected ${parser.expected}`);
}
