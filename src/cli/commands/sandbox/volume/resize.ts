import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findVolumeId } from "../../../find-volume.js";
import { required, requiredFlag } from "../../../flags/flag.js";
import { volume } from "../../../flags/parsers/volumes.js";
import { volumeSize } from "../../../flags/parsers/sizes.js";
import type { View } from "../../../output/view.js";
import { volumeView } from "../../../output/views/volume.js";

export const define = command({
  description: "At once, also while sessions use it. It is not made smaller than what is on it.",
  arguments: { volume: required("VOLUME", "its id or name", volume) },
  flags: { size: requiredFlag("SIZE", "how much it holds from now on, 1MiB to 100GiB", volumeSize) },
  examples: [["tenki sandbox volume resize cache --size 20GiB", "20 GiB in all"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const client = await ctx.client();
  const id = await findVolumeId(client, options.volume);
  return volumeView(await client.resizeVolume(id, options.size));
}
