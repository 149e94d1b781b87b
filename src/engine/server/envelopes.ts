import { Code, ConnectError } from "@connectrpc/connect";

/** Flag and length before every message of a stream. */
export const envelopeHeadBytes = 5;

/** Cuts a body into the messages in it; a body that ends within one is a broken request. */
export async function* readEnvelopes(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const waiting = new ByteQueue();
  let length: number | undefined;
  for await (const chunk of body) {
    waiting.push(chunk);
    for (;;) {
      if (length === undefined) {
        if (waiting.size < envelopeHeadBytes) break;
        length = readHead(waiting.take(envelopeHeadBytes), maxBytes);
      }
      if (waiting.size < length) break;
      yield waiting.take(length);
      length = undefined;
    }
  }
  if (length !== undefined || waiting.size > 0) {
    throw new ConnectError("the request ended within a message", Code.InvalidArgument);
  }
}

export function writeHead(target: Uint8Array, length: number): void {
  new DataView(target.buffer, target.byteOffset).setUint32(1, length);
}

function readHead(head: Uint8Array, maxBytes: number): number {
  if (head[0] !== 0) throw new ConnectError("compressed without saying how", Code.Internal);
  const length = new DataView(head.buffer, head.byteOffset).getUint32(1);
  if (length > maxBytes) {
    const message = `a message of ${length} bytes is too large: at most ${maxBytes} go into one`;
    throw new ConnectError(message, Code.ResourceExhausted);
  }
  return length;
}

/** Bytes in the pieces they came in, put together only where a message spans several. */
class ByteQueue {
  readonly #chunks: Uint8Array[] = [];
  size = 0;

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.size += chunk.length;
  }

  /** Exactly `length` bytes, which must be there. */
  take(length: number): Uint8Array {
    this.size -= length;
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= length) return this.#takeFrom(first, length);
    const whole = Buffer.allocUnsafe(length);
    for (let filled = 0; filled < length;) {
      const [chunk = whole] = this.#chunks;
      filled += this.#takeFrom(chunk, Math.min(chunk.length, length - filled), whole, filled).length;
    }
    return whole;
  }

  #takeFrom(chunk: Uint8Array, length: number, target?: Uint8Array, at = 0): Uint8Array {
    const taken = chunk.subarray(0, length);
    if (length === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(length);
    target?.set(taken, at);
    return taken;
  }
}
