import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import type { View } from "../../output/view.js";
import { exposedPortsView } from "../../output/views/preview-url.js";

export const define = command({
  description: "Those that have expired are left out.",
  needsSession: true,
  examples: [["tenki sandbox ports", "of the current session"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const session = await ctx.session(options.session);
  return exposedPortsView(await session.listExposedPorts());
}
