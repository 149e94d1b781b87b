import type { Session } from "../client/index.js";
import { TenkiError } from "../domain/error.js";
import type { Context } from "./context.js";
import { encodeTexts } from "./exec/captured-output.js";
import { objectView, type View } from "./output/view.js";
import { writeBytes } from "./output/write.js";
import { readRemoteFile } from "./remote-file.js";

/** What still fits into one text of a JSON document. */
const maxDocumentBytes = 256 * 2 ** 20;

/** A file of a session to stdout, byte for byte; in JSON and YAML as one object. */
export async function printFile(session: Session, path: string, ctx: Context): Promise<View | undefined> {
  const chunks = await readRemoteFile(session, path, ctx);
  if (ctx.common.output === "text") {
    for await (const chunk of chunks) await writeBytes(ctx.io.stdout, chunk);
    return undefined;
  }
  const content = await collect(chunks, path);
  return objectView({ path, size_bytes: content.length, ...encodeTexts({ content }) });
}

async function collect(chunks: AsyncIterable<Uint8Array>, path: string): Promise<Buffer> {
  const kept: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > maxDocumentBytes) {
      throw new TenkiError(
        "resource_exhausted",
        `${path} is larger than 256 MiB, too much for one JSON object`,
        {
          hint: "leave --json out: the file is streamed then",
        },
      );
    }
    kept.push(chunk);
  }
  return Buffer.concat(kept);
}
