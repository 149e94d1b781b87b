import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { commaList } from "../../../flags/flag.js";
import { tag } from "../../../flags/parsers/sessions.js";
import type { View } from "../../../output/view.js";
import { volumesView } from "../../../output/views/volume.js";

export const define = command({
  description: "Newest first.",
  flags: { tags: commaList("A,B", "only those that carry all of these tags", tag) },
  examples: [["tenki sandbox volume list --json | jq -r '.[].id'", "for a script"]],
});

export async function run({ tags }: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const client = await ctx.client();
  const volumes = await client.listVolumes();
  return volumesView(volumes.filter((volume) => tags.every((each) => volume.tags.includes(each))));
}
