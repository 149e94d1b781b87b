import { TenkiError } from "../../../../domain/error.js";
import { command, type OptionsOf, type Outcome } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findSnapshotId } from "../../../find-snapshot.js";
import { required, toggle, variadic } from "../../../flags/flag.js";
import { snapshot } from "../../../flags/parsers.js";
import { doneView } from "../../../output/view.js";
import { confirm } from "../../../prompt.js";

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

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<Outcome> {
  const client = await ctx.client();
  const named = [options.snapshot, ...options.more];
  const found = await Promise.all(named.map((name) => findSnapshotId(client, name)));
  const ids = [...new Set(found)];
  await askFirst(options.yes === true, named, ctx);
  const deleted: string[] = [];
  try {
    for (const id of ids) {
      await client.deleteSnapshot(id);
      deleted.push(id);
    }
  } catch (error) {
    return { view: deleted.length === 0 ? undefined : viewOf(deleted), error: error as Error };
  }
  return { view: viewOf(deleted) };
}

const viewOf = (ids: readonly string[]) => doneView(`deleted ${ids.join(", ")}`, { deleted: ids });

async function askFirst(yes: boolean, named: readonly string[], ctx: Context): Promise<void> {
  if (yes || !ctx.interactive) return;
  const what = named.length === 1 ? `snapshot ${named[0]}` : `${named.length} snapshots`;
  if (!(await confirm(ctx.io, `Delete ${what}, and lose what is there?`))) {
    throw new TenkiError("aborted", "nothing was deleted: the answer was no");
  }
}
