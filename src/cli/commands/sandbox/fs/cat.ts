import { TenkiError } from "../../../../domain/error.js";
import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { repeated, variadic } from "../../../flags/flag.js";
import { remotePath } from "../../../flags/parsers/paths.js";
import type { View } from "../../../output/view.js";
import { printFile } from "../../../print-file.js";

export const define = command({
  description: "Byte for byte, one after another. JSON and YAML hold one file.",
  needsSession: true,
  arguments: { files: variadic("PATH", "in the session, rooted in /home/tenki", remotePath) },
  flags: { path: repeated("PATH", "the same as the argument", remotePath) },
  examples: [["tenki sandbox fs cat notes.txt", "print a file"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View | undefined> {
  const paths = [...options.files, ...options.path];
  const [first] = paths;
  if (first === undefined) throw new TenkiError("usage", "missing argument PATH");
  const { output } = ctx.common;
  if (paths.length > 1 && output !== "text") {
    throw new TenkiError("usage", `several files and --output ${output} contradict each other`);
  }
  const session = await ctx.session(options.session);
  if (paths.length === 1) return printFile(session, first, ctx);
  for (const path of paths) await printFile(session, path, ctx);
  return undefined;
}
