import type { Client } from "../../../../client/index.js";
import { command, type OptionsOf, type Outcome } from "../../../command.js";
import type { Context } from "../../../context.js";
import { deleteSeveral } from "../../../delete-several.js";
import { findSnapshotId } from "../../../find-snapshot.js";
import { required, toggle, variadic } from "../../../flags/flag.js";
import { snapshot } from "../../../flags/parsers/snapshots.js";

export const define = command({
  description:
    "Sessions that were made of them stay. Asks first where there is a terminal; --yes and --no-input do not ask.",
  arguments: {
    snapshot: required("SNAPSHOT", "its id or name", snapshot),
    more: variadic("SNAPSHOT", "others", snapshot),
  },
  flags: { yes: toggle("do not ask", { short: "y" }) },
  examples: [["tenki sandbox snapshot delete before-upgrade", "one"]],
});

export function run(
  { snapshot: first, more, yes }: OptionsOf<typeof define>,
  ctx: Context,
): Promise<Outcome> {
  const named = [first, ...more];
  const remove = (client: Client, id: string) => client.deleteSnapshot(id);
  return deleteSeveral({ noun: "snapshot", named, yes, find: findSnapshotId, remove }, ctx);
}
