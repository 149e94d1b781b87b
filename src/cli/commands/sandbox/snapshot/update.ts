import { TenkiError } from "../../../../domain/error.js";
import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findSnapshotId } from "../../../find-snapshot.js";
import { commaList, flag, required, toggle } from "../../../flags/flag.js";
import { moment } from "../../../flags/parsers/times.js";
import { snapshot, snapshotName } from "../../../flags/parsers/snapshots.js";
import { tag } from "../../../flags/parsers/sessions.js";
import type { View } from "../../../output/view.js";
import { snapshotView } from "../../../output/views/snapshot.js";
import { checkTags } from "../../../session-options.js";

export const define = command({
  description: "Only what is named changes.",
  arguments: { snapshot: required("SNAPSHOT", "its id or name", snapshot) },
  flags: {
    name: flag("NAME", "a new name", snapshotName),
    tags: commaList("A,B", "new tags in place of all it has", tag),
    clearTags: toggle("take all tags away"),
    expiresAt: flag("TIME|DURATION", "when it goes by itself", moment),
    clearExpiresAt: toggle("keep it until it is deleted"),
  },
  examples: [["tenki sandbox snapshot update nightly --expires-at 168h", "keep it for a week from now"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const { name, clearTags, expiresAt, clearExpiresAt } = options;
  if (clearTags === true && options.tags.length > 0) {
    throw new TenkiError("usage", "--tags and --clear-tags contradict each other");
  }
  if (clearExpiresAt === true && expiresAt !== undefined) {
    throw new TenkiError("usage", "--expires-at and --clear-expires-at contradict each other");
  }
  const tags = clearTags === true || options.tags.length > 0 ? checkTags(options.tags) : undefined;
  const change = { name, tags, expiresAt, clearExpiresAt };
  if (Object.values(change).every((value) => value === undefined)) {
    throw new TenkiError("usage", "nothing to change");
  }
  const client = await ctx.client();
  return snapshotView(await client.updateSnapshot(await findSnapshotId(client, options.snapshot), change));
}
