import { formatByteSize } from "../../../lib/byte-size.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { copy } from "../../copy/copy.js";
import { type CopyPlace, readPlace } from "../../copy/endpoint.js";
import { required, toggle } from "../../flags/flag.js";
import { filled } from "../../flags/parsers/words.js";
import { doneView, type View } from "../../output/view.js";

export const define = command({
  description:
    "One side, or both, is SESSION:PATH; :PATH is in the current session, or the one that --session names, and - is\n" +
    "stdin or stdout. What begins with / or . is on this side, whatever colons are in it.\n" +
    "A directory that is there is copied into; SOURCE/. copies a directory's contents. Modes and symlinks are kept,\n" +
    "owners are not, and set-user-id bits do not leave a session. What fails leaves nothing half copied.",
  needsSession: true,
  arguments: {
    source: required("SOURCE", "what to copy", filled),
    target: required("TARGET", "where to", filled),
  },
  flags: { recursive: toggle("directories with all that is in them", { short: "r" }) },
  examples: [
    ["tenki sandbox cp ./data.csv demo:data.csv", "into a session"],
    ["tenki sandbox cp -r demo:results ./results", "a directory out of one"],
    ["tenki sandbox cp -r demo:project other:project", "from one to another"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const { source, target, recursive, session } = options;
  const place = (word: string): CopyPlace => settle(readPlace(word), session, ctx);
  const bytes = await copy(place(source), place(target), recursive === true, ctx);
  return doneView(`copied ${formatByteSize(bytes)} to ${target}`, { source, target, size_bytes: bytes });
}

/** `:PATH` is in the session that the flag names, a path on this side begins where the command was typed. */
function settle(place: CopyPlace, session: string | undefined, ctx: Context): CopyPlace {
  if (place.kind === "local") return { ...place, path: ctx.localPath(place.path) };
  return place.kind === "remote" && place.session === "" ? { ...place, session: session ?? "" } : place;
}
