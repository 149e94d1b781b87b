import { TenkiError } from "../../../domain/error.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { flag } from "../../flags/flag.js";
import { filled } from "../../flags/parsers/words.js";
import { resolveDataDir } from "../../local-engine/data-dir.js";
import { readToken } from "../../local-engine/find-engine.js";
import { textView, type View } from "../../output/view.js";

export const define = command({
  description: "Prints the token that clients of this machine's engine have to bring.",
  flags: { dataDir: flag("DIR", "the engine's data directory", filled) },
  examples: [['export TENKI_API_KEY="$(tenki engine token)"', "for a program on an official SDK"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const dataDir = resolveDataDir(options.dataDir, ctx.io);
  const token = await readToken(dataDir);
  if (token !== "") return textView(token, { token });
  throw new TenkiError("not_found", `there is no token in ${dataDir}`, {
    hint: "tenki engine start makes one",
  });
}
