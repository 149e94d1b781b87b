import { TenkiError } from "../../../../domain/error.js";
import { command, type OptionsOf, type Outcome } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findVolumeId } from "../../../find-volume.js";
import { required, toggle, variadic } from "../../../flags/flag.js";
import { volume } from "../../../flags/parsers.js";
import { doneView } from "../../../output/view.js";
import { confirm } from "../../../prompt.js";

export const define = command({
  description:
    "What is on them is gone. Refused while a session has one. Asks first where there is a terminal; --yes and\n" +
    "--no-input do not ask.",
  arguments: {
    volume: required("VOLUME", "its id or name", volume),
    more: variadic("VOLUME", "others", volume),
  },
  flags: { yes: toggle("do not ask", { short: "y" }) },
  examples: [["tenki sandbox volume delete cache", "one"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<Outcome> {
  const client = await ctx.client();
  const named = [options.volume, ...options.more];
  const found = await Promise.all(named.map((name) => findVolumeId(client, name)));
  const ids = [...new Set(found)];
  await askFirst(options.yes === true, named, ctx);
  const deleted: string[] = [];
  try {
    for (const id of ids) {
      await client.deleteVolume(id);
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
  const what = named.length === 1 ? `volume ${named[0]}` : `${named.length} volumes`;
  if (!(await confirm(ctx.io, `Delete ${what}, and lose what is there?`))) {
    throw new TenkiError("aborted", "nothing was deleted: the answer was no");
  }
}
