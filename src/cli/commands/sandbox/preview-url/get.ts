import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findPreviewUrl, previewUrlArgument } from "../../../find-preview-url.js";
import type { View } from "../../../output/view.js";
import { previewUrlView } from "../../../output/views/preview-url.js";

export const define = command({
  arguments: { previewUrl: previewUrlArgument },
  examples: [["tenki sandbox preview-url get demo", "by its slug"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  return previewUrlView(await findPreviewUrl(await ctx.client(), options.previewUrl));
}
