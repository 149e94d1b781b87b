import { TenkiError } from "../../../domain/error.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { flag, requiredFlag } from "../../flags/flag.js";
import { localFile, remotePath } from "../../flags/parsers/paths.js";
import { text } from "../../flags/parsers/words.js";
import { openLocalFile } from "../../local-file.js";
import { doneView, type View } from "../../output/view.js";
import { withProgress } from "../../transfer.js";

export const define = command({
  description:
    "From --data, from a file, or from stdin. The file changes as a whole: a reader sees the old one or the new one.\n" +
    "Paths are rooted in /home/tenki: a relative one resolves there, an absolute one outside it is refused.",
  needsSession: true,
  flags: {
    path: requiredFlag("PATH", "the file in the session", remotePath),
    data: flag("TEXT", "its content", text),
    dataFile: flag("FILE", "a file with its content; - for stdin", localFile),
  },
  examples: [
    ["tenki sandbox write --path app.env --data 'PORT=3000'", "from the command line"],
    ["tenki sandbox write --path config.json --data-file ./config.json", "from a file"],
    ["git diff | tenki sandbox write --path change.patch", "from stdin"],
  ],
});

type Options = OptionsOf<typeof define>;

export async function run(options: Options, ctx: Context): Promise<View> {
  const { path } = options;
  const { chunks, size } = await openSource(options, ctx);
  const session = await ctx.session(options.session);
  const counted = withProgress(ctx, chunks, { label: `writing ${path}`, totalBytes: size });
  const bytes = await session.writeFileStream(path, counted, { signal: ctx.signal });
  return doneView(`wrote ${bytes} bytes to ${path}`, { path, size_bytes: bytes });
}

interface Source {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly size: number | undefined;
}

async function openSource({ data, dataFile }: Options, ctx: Context): Promise<Source> {
  if (data !== undefined && dataFile !== undefined) {
    throw new TenkiError("usage", "--data and --data-file contradict each other");
  }
  if (data !== undefined) return textSource(data);
  if (dataFile !== undefined && dataFile !== "-") return openLocalFile(ctx.localPath(dataFile));
  if (dataFile === undefined && ctx.io.stdin.isTTY === true) {
    throw new TenkiError("usage", "nothing to write: stdin is a terminal", {
      hint: "name the content with --data or --data-file, or pipe it in; --data-file - reads the terminal",
    });
  }
  return { chunks: ctx.io.stdin, size: undefined };
}

function textSource(data: string): Source {
  const bytes = Buffer.from(data);
  return { chunks: once(bytes), size: bytes.length };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes.length > 0) yield bytes;
}
