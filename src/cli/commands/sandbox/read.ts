import type { Session } from "../../../client/index.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { flag, requiredFlag } from "../../flags/flag.js";
import { localFile, remotePath } from "../../flags/parsers/paths.js";
import { writeLocalFile } from "../../local-file.js";
import { doneView, type View } from "../../output/view.js";
import { printFile } from "../../print-file.js";
import { readRemoteFile } from "../../remote-file.js";

export const define = command({
  description:
    "Paths are rooted in /home/tenki: a relative one resolves there, an absolute one outside it is refused.\n" +
    "With --out the file appears as a whole, once all of it has arrived.",
  needsSession: true,
  flags: {
    path: requiredFlag("PATH", "the file in the session", remotePath),
    out: flag("FILE", "where to save it; - for stdout (default)", localFile),
  },
  examples: [
    ["tenki sandbox read --path config.json", "print it"],
    ["tenki sandbox read --session demo --path build.log --out ./build.log", "save it"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View | undefined> {
  const { path } = options;
  const session = await ctx.session(options.session);
  if (options.out === undefined || options.out === "-") return printFile(session, path, ctx);
  return saveFile(session, path, options.out, ctx);
}

async function saveFile(session: Session, path: string, out: string, ctx: Context): Promise<View> {
  const bytes = await writeLocalFile(ctx.localPath(out), await readRemoteFile(session, path, ctx));
  return doneView(`saved ${bytes} bytes to ${out}`, { path, out, size_bytes: bytes });
}
