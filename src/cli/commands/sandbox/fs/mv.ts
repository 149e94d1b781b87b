import { posix } from "node:path";
import { homeDirectory } from "../../../../domain/file.js";
import { TenkiError } from "../../../../domain/error.js";
import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { required } from "../../../flags/flag.js";
import { remotePath } from "../../../flags/parsers/paths.js";
import { doneView, type View } from "../../../output/view.js";
import { runInside } from "../../../run-inside.js";

export const define = command({
  description:
    "TO is the new name itself, not a directory to move into; a file that is there is replaced, an empty directory\n" +
    "too where FROM is one.",
  needsSession: true,
  arguments: {
    from: required("FROM", "what to rename", remotePath),
    to: required("TO", "its new name", remotePath),
  },
  examples: [["tenki sandbox fs mv draft.txt final.txt", "rename a file"]],
});

export async function run(
  { from, to, session: named }: OptionsOf<typeof define>,
  ctx: Context,
): Promise<View> {
  const session = await ctx.session(named);
  // The file service holds both ends to the path rule: the command below could go anywhere in the session.
  const [source, parent] = await Promise.all([
    session.stat(from),
    session.stat(posix.dirname(posix.join(to, "."))),
  ]);
  if (source === undefined) throw new TenkiError("not_found", `no such file or directory: ${from}`);
  if (parent === undefined)
    throw new TenkiError("not_found", `no such file or directory: ${posix.dirname(to)}`);
  const inside = (path: string): string => posix.resolve(homeDirectory, path);
  const argv = ["mv", "-T", "--", inside(from), inside(to)];
  const { code, stderr } = await runInside(session, argv, { timeoutMs: 60_000, signal: ctx.signal });
  if (code === 0) return doneView(`moved ${from} to ${to}`, { from, to });
  throw new TenkiError("failed_precondition", `cannot move ${from} to ${to}: ${reasonOf(stderr)}`);
}

const reasonOf = (stderr: string): string =>
  stderr.trim().split("\n").at(-1)?.replace(/^mv: /, "") || "mv failed";
