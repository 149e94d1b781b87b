import type { CommandOutput } from "../../domain/command.js";

const lineFeed = 10;

/** The last lines of an output, both streams counted together; what is before them is dropped as it comes. */
export async function lastLines(
  output: AsyncIterable<CommandOutput>,
  count: number,
): Promise<readonly CommandOutput[]> {
  const kept: CommandOutput[] = [];
  let feeds = 0;
  for await (const piece of output) {
    kept.push(piece);
    feeds += feedsIn(piece.data);
    for (let first = kept[0]; first !== undefined; first = kept[0]) {
      const rest = feeds - feedsIn(first.data);
      if (rest <= count) break; // the line that is not ended yet counts as well
      feeds = rest;
      kept.shift();
    }
  }
  return cutToLines(kept, feeds - count + (endsWithFeed(kept.at(-1)) ? 0 : 1));
}

/** Without so many lines at the beginning. */
function cutToLines(pieces: readonly CommandOutput[], excess: number): readonly CommandOutput[] {
  let left = excess;
  return pieces.flatMap((piece) => {
    let { data } = piece;
    for (; left > 0 && data.length > 0; left--) {
      const at = data.indexOf(lineFeed);
      if (at === -1) return [];
      data = data.subarray(at + 1);
    }
    return data.length === 0 ? [] : [{ ...piece, data }];
  });
}

const endsWithFeed = (piece: CommandOutput | undefined): boolean => piece?.data.at(-1) === lineFeed;

function feedsIn(data: Uint8Array): number {
  let count = 0;
  for (let at = data.indexOf(lineFeed); at !== -1; at = data.indexOf(lineFeed, at + 1)) count += 1;
  return count;
}
