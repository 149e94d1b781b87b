import type { CommandOutput } from "../../domain/command.js";
import { formatByteSize } from "../../lib/byte-size.js";
import type { Context } from "../context.js";

const lineFeed = 10;

/** Says that an output does not begin with its beginning. */
export async function noteGap(outputOffset: number, ctx: Context): Promise<void> {
  if (outputOffset > 0)
    await ctx.note(`the first ${formatByteSize(outputOffset)} of the output are not kept any more`);
}

/** Without the rest of a line, or of a sequence, that was cut through. */
export async function* fromWholeLine(
  output: AsyncIterable<CommandOutput>,
): AsyncGenerator<CommandOutput, void, undefined> {
  let isFirst = true;
  for await (const piece of output) {
    const at = isFirst ? piece.data.indexOf(lineFeed) : -1;
    isFirst = false;
    yield { ...piece, data: piece.data.subarray(at + 1) };
  }
}
