import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { required, requiredFlag } from "../../../flags/flag.js";
import { volumeName } from "../../../flags/parsers/volumes.js";
import { volumeSize } from "../../../flags/parsers/sizes.js";
import type { View } from "../../../output/view.js";
import { volumeView } from "../../../output/views/volume.js";

export const define = command({
  description: "It is empty, belongs to nobody's session, and stays until it is deleted.",
  arguments: { name: required("NAME", "what to call it", volumeName) },
  flags: { size: requiredFlag("SIZE", "how much it holds, 1MiB to 100GiB", volumeSize) },
  examples: [
    ["tenki sandbox volume create cache --size 10GiB", "a build cache"],
    [
      "tenki sandbox create --volume cache:/home/tenki/.cache",
      "a session that has it; :ro at the end to read it only",
    ],
  ],
});

export async function run({ name, size }: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const client = await ctx.client();
  return volumeView(await client.createVolume({ name, sizeBytes: size }));
}
