import { command } from "../../../command.js";
import type { Context } from "../../../context.js";
import type { View } from "../../../output/view.js";
import { previewUrlsView } from "../../../output/views/preview-url.js";

export const define = command({
  description: "Newest first.",
  examples: [["tenki sandbox preview-url list", "those of the workspace, bound or not"]],
});

export async function run(_options: object, ctx: Context): Promise<View> {
  const client = await ctx.client();
  return previewUrlsView(await client.previewUrls.list());
}
