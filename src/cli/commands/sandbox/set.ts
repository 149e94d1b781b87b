import { TenkiError } from "../../../domain/error.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { doneView, type View } from "../../output/view.js";

export const define = command({
  description: "Commands that name no session are for this one; TENKI_SESSION and --session count before it.",
  needsSession: true,
  examples: [["tenki sandbox set demo", "from now on"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  if (options.session === undefined) {
    throw new TenkiError("usage", "missing argument SESSION", {
      hint: "tenki sandbox list",
    });
  }
  const session = await ctx.session(options.session);
  const { id, name } = await session.refresh();
  await ctx.config.update({ current_session_id: id });
  if ((ctx.io.env["TENKI_SESSION"] ?? "") !== "") {
    await ctx.warn("warning: TENKI_SESSION is set, and counts before the current session");
  }
  return doneView(`the current session is ${id}${name === "" ? "" : ` (${name})`}`, { id, name });
}
