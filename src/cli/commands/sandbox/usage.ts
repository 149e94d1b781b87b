import { command } from "../../command.js";
import type { Context } from "../../context.js";
import type { View } from "../../output/view.js";
import { usageView } from "../../output/views/usage.js";

export const define = command({
  description: "A limit that is not set is shown as -, and as null in JSON. Sizes are bytes there.",
  examples: [
    ["tenki sandbox usage", "everything that there is a limit of"],
    [
      `tenki sandbox usage --json | jq '.[] | select(.key == "active_sessions")'`,
      "whether there is room for one more, for a script",
    ],
  ],
});

export async function run(_options: object, ctx: Context): Promise<View> {
  const client = await ctx.client();
  return usageView(await client.getUsage());
}
