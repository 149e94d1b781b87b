import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findPreviewUrl, previewUrlArgument } from "../../../find-preview-url.js";
import type { View } from "../../../output/view.js";
import { previewUrlView } from "../../../output/views/preview-url.js";

export const define = command({
  description: "It stays, and says that nothing is bound to it.",
  arguments: { previewUrl: previewUrlArgument },
  examples: [["tenki sandbox preview-url unbind demo", "by its slug"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const client = await ctx.client();
  const { id } = await findPreviewUrl(client, options.previewUrl);
  return previewUrlView(await client.previewUrls.unbind(id));
}
