import type { Client } from "../client/index.js";
import { TenkiError } from "../domain/error.js";
import type { Outcome } from "./command.js";
import type { Context } from "./context.js";
import { doneView } from "./output/view.js";
import { confirm } from "./prompt.js";

/** What a command deletes for good, by ids or names. */
export interface Deletion {
  /** As in "a snapshot". */
  readonly noun: string;
  readonly named: readonly string[];
  /** Default: asks where there is a terminal. */
  readonly yes: boolean | undefined;
  find(client: Client, name: string): Promise<string>;
  remove(client: Client, id: string): Promise<unknown>;
}

/** One after the other, each once, when all of them were found; where one fails, those before it are told of. */
export async function deleteSeveral(deletion: Deletion, ctx: Context): Promise<Outcome> {
  const client = await ctx.client();
  const found = await Promise.all(deletion.named.map((name) => deletion.find(client, name)));
  await askFirst(deletion, ctx);
  const deleted: string[] = [];
  try {
    for (const id of new Set(found)) {
      await deletion.remove(client, id);
      deleted.push(id);
    }
  } catch (error) {
    return { view: deleted.length === 0 ? undefined : viewOf(deleted), error: error as Error };
  }
  return { view: viewOf(deleted) };
}

const viewOf = (ids: readonly string[]) => doneView(`deleted ${ids.join(", ")}`, { deleted: ids });

async function askFirst({ noun, named, yes = false }: Deletion, ctx: Context): Promise<void> {
  if (yes || !ctx.interactive) return;
  const what = named.length === 1 ? `${noun} ${named[0]}` : `${named.length} ${noun}s`;
  if (!(await confirm(ctx.io, `Delete ${what}, and lose what is there?`))) {
    throw new TenkiError("aborted", "nothing was deleted: the answer was no");
  }
}
