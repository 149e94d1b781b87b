import { startTool } from "./tool.js";
import { emptyTarEntry } from "./tar-entry.js";
import type { LayerPlace } from "./export-layer.js";

export interface Marks {
  /** Directories of the image that have another name now, as `./etc/new`. */
  readonly redirected: Buffer[];
}

/** Entries for what was removed from the image, and for directories of which nothing of the image shows. */
export async function* markEntries(place: LayerPlace, marks: Marks): AsyncGenerator<Buffer> {
  const { guestBinary, upper, markedBy, signal } = place;
  const tool = startTool([guestBinary, "differences", upper, markedBy], { signal });
  for await (const record of tool.records()) {
    const [kind, path] = [String.fromCharCode(record[0] ?? 0), record.subarray(1)];
    if (kind === "r") marks.redirected.push(path);
    yield emptyTarEntry(entryName(place.prefix, kind, path));
  }
}

/** `./a/b` removed is `a/.wh.b`; nothing below shows: `a/b/.wh..wh..opq`. */
function entryName(prefix: string, kind: string, path: Buffer): Buffer {
  const slash = path.lastIndexOf("/");
  const parts =
    kind === "w"
      ? [path.subarray(2, slash + 1), Buffer.from(".wh."), path.subarray(slash + 1)]
      : [path.subarray(2), Buffer.from("/.wh..wh..opq")];
  return Buffer.concat([Buffer.from(prefix), ...parts]);
}
