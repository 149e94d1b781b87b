import type { Session } from "../client/index.js";
import { TenkiError } from "../domain/error.js";
import type { Context } from "./context.js";
import { withProgress } from "./transfer.js";

export interface RemoteFile {
  /** One that ends before its size is an error, not a shorter file. */
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly totalBytes: number;
}

/** Opens a session's file; that it is missing, a directory or outside is thrown here. */
export async function openRemoteFile(
  session: Session,
  path: string,
  signal: AbortSignal,
): Promise<RemoteFile> {
  const stream = await session.readFileStream(path, { signal });
  return { chunks: checkSize(stream, path, stream.totalSize), totalBytes: stream.totalSize };
}

/** The same, and somebody who waits sees how far it is. */
export async function readRemoteFile(
  session: Session,
  path: string,
  ctx: Context,
): Promise<AsyncIterable<Uint8Array>> {
  const { chunks, totalBytes } = await openRemoteFile(session, path, ctx.signal);
  return withProgress(ctx, chunks, { label: `reading ${path}`, totalBytes });
}

/** A file that grows while it is read is no error. */
async function* checkSize(chunks: AsyncIterable<Uint8Array>, path: string, totalBytes: number) {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes >= totalBytes) return;
  throw new TenkiError("data_loss", `${path} is not complete: ${bytes} of ${totalBytes} bytes came`);
}
