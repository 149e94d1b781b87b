import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findVolumeId } from "../../../find-volume.js";
import { required } from "../../../flags/flag.js";
import { volume } from "../../../flags/parsers/volumes.js";
import type { View } from "../../../output/view.js";
import { volumeView } from "../../../output/views/volume.js";

export const define = command({
  arguments: { volume: required("VOLUME", "its id or name", volume) },
  examples: [["tenki sandbox volume get cache", "its size, and the sessions that have it"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const client = await ctx.client();
  return volumeView(await client.getVolume(await findVolumeId(client, options.volume)));
}
