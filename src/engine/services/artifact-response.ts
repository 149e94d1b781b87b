import { posix } from "node:path";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { TenkiError } from "../../domain/error.js";
import type { ArtifactRecord } from "../core/ports/artifact-store.js";
import type { FileContent } from "../core/ports/runtime.js";

/** A download: to be saved, not to be shown as a page of the engine's own. */
export async function downloadResponse(
  { contentType, source }: ArtifactRecord,
  content: FileContent,
  { headOnly }: { readonly headOnly: boolean },
): Promise<UniversalServerResponse> {
  const header = new Headers({
    "content-type": contentType,
    "content-length": String(content.totalSize),
    "content-disposition": `attachment; filename*=UTF-8''${encodeName(posix.basename(source.path))}`,
    "content-security-policy": "sandbox",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
  });
  if (!headOnly) return { status: 200, header, body: exactly(content) };
  for await (const chunk of content.chunks) if (chunk.length >= 0) break; // what is not read is not let go of
  return { status: 200, header };
}

/** As much as was announced: a file may grow while it is read, and one that shrinks breaks off. */
async function* exactly({ totalSize, chunks }: FileContent): AsyncGenerator<Uint8Array, void, undefined> {
  let left = totalSize;
  for await (const chunk of chunks) {
    if (left > 0) yield chunk.subarray(0, left);
    left -= Math.min(left, chunk.length);
  }
  if (left > 0) throw new TenkiError("aborted", "the file became shorter while it was read");
}

/** Also what `encodeURIComponent` leaves, and half a surrogate pair, which it refuses. */
const encodeName = (name: string): string =>
  encodeURIComponent(Buffer.from(name).toString()).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  );
