import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { required } from "../../flags/flag.js";
import { positiveDuration } from "../../flags/parsers/times.js";
import type { View } from "../../output/view.js";
import { sessionView } from "../../output/views/session.js";

export const define = command({
  needsSession: true,
  arguments: { duration: required("DURATION", "how much longer it may live", positiveDuration) },
  examples: [["tenki sandbox extend 30m --session demo", "half an hour more"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const session = await ctx.session(options.session);
  return sessionView(await session.extend(options.duration));
}
