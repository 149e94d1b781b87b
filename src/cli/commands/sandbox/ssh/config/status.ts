import { command, type OptionsOf } from "../../../../command.js";
import type { Context } from "../../../../context.js";
import { objectView, type View } from "../../../../output/view.js";
import { calledTenki, tenkiLine } from "../../../../ssh-config/included-file.js";
import { inspect, type Installation } from "../../../../ssh-config/installation.js";
import { fileFlag } from "../../../../ssh-config/ssh-config-flags.js";

export const define = command({
  description:
    "Whether ssh finds sessions, whether what is installed is up to date, and which tenki it calls.",
  flags: fileFlag,
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const found = await inspect(options.file, ctx);
  const tenki = calledTenki(found.included.text ?? "");
  return objectView({
    state: stateOf(found),
    config_file: found.user.path,
    included_file: found.included.path,
    tenki: tenki ?? null,
    tenki_is_this_one: tenki === undefined ? null : tenki === tenkiLine(ctx.io),
  });
}

/** The worse of both parts; without either, it is not installed. */
function stateOf({ block, included }: Installation): string {
  const states = [block.state, included.state];
  if (states.includes("edited")) return "EDITED";
  if (block.state === "missing") return "NOT_INSTALLED";
  return states.every((state) => state === "current") ? "CURRENT" : "OUTDATED";
}
