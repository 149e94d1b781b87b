import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findPreviewUrl, previewUrlArgument } from "../../../find-preview-url.js";
import { doneView, type View } from "../../../output/view.js";

export const define = command({
  description: "Its slug is free again; the session that it was bound to stays as it is.",
  arguments: { previewUrl: previewUrlArgument },
  examples: [["tenki sandbox preview-url delete demo", "by its slug"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const client = await ctx.client();
  const { id, slug } = await findPreviewUrl(client, options.previewUrl);
  await client.previewUrls.delete(id);
  return doneView(`deleted ${slug}`, { id, slug });
}
