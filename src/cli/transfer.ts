import { formatByteSize } from "../lib/byte-size.js";
import type { Context } from "./context.js";

/** What is smaller is there before anybody could read how far it is. */
const worthShowingBytes = 8 * 2 ** 20;
const updateEveryMs = 100;

export interface TransferOptions {
  /** What is going on: `reading big.bin`. */
  readonly label: string;
  readonly totalBytes?: number | undefined;
}

/** Hands chunks through and shows how far they have come, where somebody looks; ends at Ctrl-C. */
export async function* withProgress(
  ctx: Context,
  chunks: AsyncIterable<Uint8Array>,
  { label, totalBytes }: TransferOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const of = totalBytes === undefined ? "" : ` of ${formatByteSize(totalBytes)}`;
  let bytes = 0;
  let shownAt = 0;
  let progress: Awaited<ReturnType<Context["progress"]>> | undefined;
  try {
    for await (const chunk of chunks) {
      ctx.signal.throwIfAborted();
      yield chunk;
      bytes += chunk.length;
      if (bytes < worthShowingBytes && (totalBytes ?? 0) < worthShowingBytes) continue;
      const now = performance.now();
      if (now - shownAt < updateEveryMs) continue;
      shownAt = now;
      progress ??= await ctx.progress(label);
      progress.update(`${label}: ${formatByteSize(bytes)}${of}`);
    }
  } finally {
    progress?.stop();
  }
}
