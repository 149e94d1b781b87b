import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { doneView, type View } from "../../output/view.js";
import { portArgument, portFlag, portOf } from "../../port-argument.js";

export const define = command({
  description: "Connections that are open are cut.",
  needsSession: true,
  arguments: { number: portArgument },
  flags: { port: portFlag },
  examples: [["tenki sandbox unexpose 3000", "of the current session"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const port = portOf(options);
  const session = await ctx.session(options.session);
  await session.unexposePort(port);
  return doneView(`port ${port} is not exposed any more`, { port });
}
