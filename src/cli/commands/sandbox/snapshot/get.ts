import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findSnapshotId } from "../../../find-snapshot.js";
import { required } from "../../../flags/flag.js";
import { snapshot } from "../../../flags/parsers/snapshots.js";
import type { View } from "../../../output/view.js";
import { snapshotView } from "../../../output/views/snapshot.js";

export const define = command({
  arguments: { snapshot: required("SNAPSHOT", "its id or name", snapshot) },
  examples: [["tenki sandbox snapshot get before-upgrade", "its size, and how long it stays"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const client = await ctx.client();
  return snapshotView(await client.getSnapshot(await findSnapshotId(client, options.snapshot)));
}
