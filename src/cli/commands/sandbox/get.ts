import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import type { View } from "../../output/view.js";
import { sessionView } from "../../output/views/session.js";

export const define = command({
  needsSession: true,
  examples: [
    ["tenki sandbox get demo", "by its name"],
    ["tenki sandbox get | awk '/^state/{print $3}'", "only the current one's state"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const session = await ctx.session(options.session);
  return sessionView(await session.refresh());
}
