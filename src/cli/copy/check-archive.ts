import { TenkiError } from "../../domain/error.js";

const blockBytes = 512;
const endBytes = 2 * blockBytes;

/** Hands an archive through and, at its end, sees that it has one: a stream that was cut off is not a shorter tree. */
export async function* checkArchive(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let tail: Uint8Array = new Uint8Array();
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    tail = lastBytes(tail, chunk);
    yield chunk;
    onBytes(bytes);
  }
  if (bytes % blockBytes === 0 && tail.length === endBytes && tail.every((byte) => byte === 0)) return;
  throw new TenkiError("data_loss", `the archive was cut off after ${bytes} bytes: nothing was copied`);
}

function lastBytes(before: Uint8Array, chunk: Uint8Array): Uint8Array {
  if (chunk.length >= endBytes) return chunk.slice(-endBytes);
  return Buffer.concat([before, chunk]).subarray(-endBytes);
}
