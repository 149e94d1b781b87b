import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { createAndShow } from "../../../create/create-and-show.js";
import { createFlags, waitTimeoutFlag } from "../../../create/create-flags.js";
import { required, toggleFrom } from "../../../flags/flag.js";
import { snapshot } from "../../../flags/parsers/snapshots.js";
import type { View } from "../../../output/view.js";

const { snapshot: _snapshot, image: _image, template: _template, ...otherFlags } = createFlags;

export const define = command({
  description:
    "A new session on a copy of the snapshot's disk, made current, as `create --snapshot` makes it. What is left out\n" +
    "is as it was: processor, memory, disk, image and variables. Processes, volumes, SSH keys and secrets are not.",
  arguments: { snapshot: required("SNAPSHOT", "its id or name", snapshot) },
  flags: { ...otherFlags, wait: toggleFrom(true, "return at once"), ...waitTimeoutFlag },
  examples: [["tenki sandbox snapshot restore before-upgrade --name again", "another session like that"]],
});

export function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  return createAndShow({ ...options, image: undefined, template: undefined }, ctx);
}
