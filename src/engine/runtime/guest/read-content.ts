import type { FileContent, ReadFileOptions } from "../../core/ports/runtime.js";
import { ByteQueue } from "./byte-queue.js";
import type { GuestConnection } from "./connection.js";
import { expectFrame } from "./guest-error.js";
import { PayloadWriter } from "./payload.js";
import { down, request } from "./protocol.js";

/** Reads a file from the guest. The connection closes when the chunks are used up, or no longer wanted. */
export async function readContent(
  connection: GuestConnection,
  path: string,
  options: ReadFileOptions,
): Promise<FileContent> {
  const { offset, length, chunkBytes } = options;
  void connection.send(request.read, new PayloadWriter().string(path).u64(offset).u64(length).finish());
  const reader = expectFrame(await connection.next(), down.size, path);
  const totalSize = reader.u64();
  reader.finish();
  return { totalSize, chunks: readChunks(connection, path, chunkBytes) };
}

/** Chunks of exactly `chunkBytes`, but for the last; for 0 as they come, and so without a copy. */
async function* readChunks(
  connection: GuestConnection,
  path: string,
  chunkBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const queue = new ByteQueue();
  try {
    for (;;) {
      const frame = await connection.next();
      if (frame.type === down.end) break;
      if (frame.type !== down.data) expectFrame(frame, down.data, path);
      if (chunkBytes === 0) {
        yield frame.payload;
        continue;
      }
      queue.add(frame.payload);
      while (queue.length >= chunkBytes) yield queue.take(chunkBytes);
    }
    if (queue.length > 0) yield queue.take(queue.length);
  } finally {
    connection.close();
  }
}
