import type { Duplex } from "node:stream";

/** A stream that can do without `data`, and without memory for each piece of it. */
export interface TakenStream extends Duplex {
  /** Gets each piece in place of the stream's readers; it is not there any more once this returns. `pause` holds at once. */
  taker: ((bytes: Buffer) => void) | undefined;
}

export const canBeTaken = (stream: Duplex): stream is TakenStream => "taker" in stream;
