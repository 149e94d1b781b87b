import { TenkiError } from "../../domain/error.js";

/** What may follow the end of an archive: padding to a record, never more. */
const maxPaddingBytes = 1 << 20;

export interface Eater {
  /** False: it reads no more, because it has ended. */
  take(chunk: Uint8Array): Promise<boolean>;
  /** Throws where it has not ended well. */
  checkEnd(): Promise<void>;
}

/**
 * Gives an archive to a `tar`, which may end well before the last byte: the end of an archive lies before the end
 * of its stream. The rest is read all the same, for how the sender ended shows there.
 */
export async function feed(archive: AsyncIterable<Uint8Array>, eater: Eater): Promise<void> {
  let isEating = true;
  let leftBytes = 0;
  for await (const chunk of archive) {
    if (isEating && (await eater.take(chunk))) continue;
    if (isEating) await eater.checkEnd();
    isEating = false;
    leftBytes += chunk.length;
    if (leftBytes > maxPaddingBytes) throw new TenkiError("data_loss", "the archive goes on behind its end");
  }
}
