import { command } from "../../../command.js";
import type { Context } from "../../../context.js";
import type { View } from "../../../output/view.js";
import { workspaceSettingsView } from "../../../output/views/workspace-settings.js";

export const define = command({
  description: "A limit that is not set is shown as none, and as null in JSON.",
  examples: [["tenki sandbox settings get --json | jq .max_sticky_sessions", "one of them, for a script"]],
});

export async function run(_options: object, ctx: Context): Promise<View> {
  const client = await ctx.client();
  return workspaceSettingsView(await client.getSettings());
}
