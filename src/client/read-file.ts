import type { DataPlane } from "./data-plane.js";
import type { ReadStreamOptions } from "./options/files.js";

/** A file as it comes: a web stream that can be iterated, and its size as it was at the start. */
export type FileReadStream = ReadableStream<Uint8Array> &
  AsyncIterable<Uint8Array> & { readonly totalSize: number };

/** Opens a file for reading; that it is not there, or not readable, is thrown here. */
export async function readFileStream(
  dataPlane: DataPlane,
  path: string,
  options: ReadStreamOptions = {},
): Promise<FileReadStream> {
  const request = {
    sessionId: dataPlane.sessionId,
    path,
    offset: BigInt(options.offset ?? 0),
    length: BigInt(options.length ?? 0),
    chunkBytes: options.chunkBytes ?? 0,
  };
  const open = await dataPlane.open((at, call) => at.dataPlane.readFileStream({ request }, call), {
    what: `the content of ${path}`,
    signal: options.signal,
    idempotent: true,
  });
  const first = await open.next();
  let ahead: typeof first | undefined = first;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        for (;;) {
          const message: typeof first = ahead ?? (await open.next());
          ahead = undefined;
          if (message.done) return controller.close();
          const data = message.value.response?.data;
          if (data !== undefined && data.length > 0) return controller.enqueue(data);
        }
      },
      cancel: () => open.close(),
    },
    { highWaterMark: 0 },
  );
  return Object.assign(stream, { totalSize: first.done ? 0 : Number(first.value.response?.totalSize ?? 0n) });
}
