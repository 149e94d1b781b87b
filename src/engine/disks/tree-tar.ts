import { TenkiError } from "../../domain/error.js";
import type { LayerPlace } from "./export-layer.js";
import { tarEnd } from "./tar-entry.js";
import { startTool, type Tool } from "./tool.js";

/** What is in the layer, as a tar without its end. */
export async function* treeTar(place: LayerPlace): AsyncGenerator<Buffer> {
  const { guestBinary, upper, markedBy, signal } = place;
  const list = startTool([guestBinary, "differences", upper, markedBy, "files"], { signal });
  const from = ["--no-recursion", "--null", "--verbatim-files-from", "--files-from=-"];
  yield* packed(
    startTool(["tar", ...tarOptions(upper, place.prefix), ...from], { signal, input: list.child.stdout }),
  );
  await list.ended;
}

/** What `tar` writes at once; it fills up the last of them. */
const recordBytes = 65_536;
const blockBytes = 512;

/** For what is to be in a layer: owners by number, capabilities, no time that looking changes; names below `prefix`. */
export function tarOptions(directory: string, prefix: string): string[] {
  if (!/^[\w./-]*$/.test(prefix)) throw new TenkiError("internal", `a layer cannot lie at ${prefix}`);
  return [
    ...["--create", "--file=-", "--format=posix", `--record-size=${recordBytes}`],
    "--numeric-owner",
    "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
    ...["--xattrs", "--xattrs-include=security.capability", "--xattrs-include=user.*"],
    "--xattrs-exclude=user.overlay.*",
    `--transform=flags=rhS;s,^\\.\\(/\\|$\\),${prefix},`,
    `--directory=${directory}`,
  ];
}

/** What `tar` says, without what ends it: blocks of zeros, after an entry that has no content. */
export async function* packed(tar: Tool): AsyncGenerator<Buffer> {
  let held = Buffer.alloc(0);
  for await (const chunk of tar.output()) {
    const all = Buffer.concat([held, chunk]);
    const ready = Math.max(0, all.length - recordBytes - tarEnd.length);
    if (ready > 0) yield all.subarray(0, ready);
    held = all.subarray(ready);
  }
  let end = held.length;
  while (end > 0 && isZero(held.subarray(end - blockBytes, end))) end -= blockBytes;
  if (held.length - end < tarEnd.length) throw new TenkiError("internal", "tar ended without an end");
  yield held.subarray(0, end);
}

const isZero = (block: Buffer): boolean => block.every((byte) => byte === 0);
