import { TenkiError } from "../../../../domain/error.js";
import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { repeated, toggle, variadic } from "../../../flags/flag.js";
import { remotePath } from "../../../flags/parsers/paths.js";
import { doneView, type View } from "../../../output/view.js";

export const define = command({
  description: "A directory that is not empty needs -r. A symlink is removed itself.",
  needsSession: true,
  arguments: { files: variadic("PATH", "in the session, rooted in /home/tenki", remotePath) },
  flags: {
    path: repeated("PATH", "the same as the argument", remotePath),
    recursive: toggle("directories with all that is in them", { short: "r" }),
    force: toggle("do not mind what is not there", { short: "f" }),
  },
  examples: [["tenki sandbox fs rm -r build dist", "two directories"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const paths = [...options.files, ...options.path];
  if (paths.length === 0) {
    throw new TenkiError("usage", "missing argument PATH");
  }
  const session = await ctx.session(options.session);
  let removed = 0;
  for (const path of paths) {
    const entries = await session
      .remove(path, { recursive: options.recursive === true })
      .catch((error: unknown) => {
        if (options.force === true && error instanceof TenkiError && error.kind === "not_found") return 0;
        throw error;
      });
    if (entries === 0 && options.force !== true) {
      throw new TenkiError("not_found", `no such file or directory: ${path}`);
    }
    removed += entries;
  }
  return doneView(`removed ${removed} ${removed === 1 ? "entry" : "entries"}`, {
    paths,
    entries_removed: removed,
  });
}
