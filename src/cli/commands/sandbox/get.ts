import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { objectView, type View } from "../../output/view.js";
import { egressFields } from "../../output/views/egress.js";
import { sessionFields } from "../../output/views/session.js";

export const define = command({
  needsSession: true,
  examples: [
    ["tenki sandbox get demo", "by its name"],
    ["tenki sandbox get | awk '/^state/{print $3}'", "only the current one's state"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const session = await ctx.session(options.session);
  const [info, egress] = await Promise.all([session.refresh(), session.egress()]);
  return objectView({ ...sessionFields(info), ...egressFields(egress) });
}
