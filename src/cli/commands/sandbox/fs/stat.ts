import { TenkiError } from "../../../../domain/error.js";
import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { pathArgument, pathFlag, pathOf } from "../../../fs-path.js";
import type { View } from "../../../output/view.js";
import { fileView } from "../../../output/views/file.js";

export const define = command({
  description: "A symlink is described itself. Ends with 4 where nothing is there.",
  needsSession: true,
  arguments: { file: pathArgument },
  flags: { path: pathFlag },
  examples: [["tenki sandbox fs stat build.log --json", "for a program"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const path = pathOf(options);
  const session = await ctx.session(options.session);
  const info = await session.stat(path);
  if (info !== undefined) return fileView(info);
  throw new TenkiError("not_found", `no such file or directory: ${path}`);
}
