import { TenkiError } from "../../../../domain/error.js";
import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findSnapshotId } from "../../../find-snapshot.js";
import { flag, required } from "../../../flags/flag.js";
import { localFile } from "../../../flags/parsers/paths.js";
import { snapshot } from "../../../flags/parsers/snapshots.js";
import { writeLocalFile } from "../../../local-file.js";
import { doneView, type View } from "../../../output/view.js";
import { writeBytes } from "../../../output/write.js";
import { withProgress } from "../../../transfer.js";

export const define = command({
  description:
    "All that differs from the image that it stands on, as a plain tar: owners, modes, times, links and extended\n" +
    "attributes are in it. With --out the file appears as a whole, once all of it has arrived.",
  arguments: { snapshot: required("SNAPSHOT", "its id or name", snapshot) },
  flags: {
    out: flag("FILE", "where to save it; - for stdout (default, where that is no terminal)", localFile),
  },
  examples: [
    ["tenki sandbox snapshot export nightly --out nightly.tar", "save it"],
    ["tenki sandbox snapshot export nightly | tar t", "look at what is in it"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View | undefined> {
  const { out = "-" } = options;
  const { output } = ctx.common;
  if (out === "-" && (ctx.io.stdout.isTTY === true || output !== "text")) {
    throw new TenkiError("usage", "a tar is not shown as text: name a file for it", {
      hint: "--out snapshot.tar",
    });
  }
  const client = await ctx.client();
  const id = await findSnapshotId(client, options.snapshot);
  const tar = await client.snapshots.export(id, { signal: ctx.signal });
  const chunks = withProgress(ctx, tar, { label: `exporting snapshot ${id}` });
  if (out === "-") {
    for await (const chunk of chunks) await writeBytes(ctx.io.stdout, chunk);
    return undefined;
  }
  const bytes = await writeLocalFile(ctx.localPath(out), chunks);
  return doneView(`saved ${bytes} bytes to ${out}`, { snapshot_id: id, out, size_bytes: bytes });
}
