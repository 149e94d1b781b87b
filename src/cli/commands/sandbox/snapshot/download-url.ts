import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findSnapshotId } from "../../../find-snapshot.js";
import { required } from "../../../flags/flag.js";
import { snapshot } from "../../../flags/parsers/snapshots.js";
import { objectView, type View } from "../../../output/view.js";

export const define = command({
  description:
    "Whoever has the link can download what is on the snapshot, as a tar, for a short time, and needs no token.",
  arguments: { snapshot: required("SNAPSHOT", "its id or name", snapshot) },
  examples: [['curl -fO "$(tenki sandbox snapshot download-url nightly --json | jq -r .url)"', "with curl"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const client = await ctx.client();
  const id = await findSnapshotId(client, options.snapshot);
  const { url, expiresAt } = await client.getSnapshotDownloadURL(id);
  return objectView({ url, expires_at: expiresAt ?? null, snapshot_id: id });
}
