import { posix } from "node:path";
import type { ServiceImpl } from "@connectrpc/connect";
import { TenkiError } from "../../domain/error.js";
import { formatByteSize } from "../../lib/byte-size.js";
import type {
  SandboxSessionDataPlaneService,
  SandboxSessionDataPlaneServiceWriteFileStreamRequest,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { Files } from "../core/files/files.js";
import type { FileContent } from "../core/ports/runtime.js";

/** What one message carries; above it, the stream calls. */
const unaryBytes = 60 << 20;
const chunkBytesMax = 4 << 20;

/** The file calls. Each request is checked already: what it has to have is there. */
export function fileMethods(files: Files) {
  return {
    async readFile({ request }) {
      const { sessionId, path } = need(request);
      const content = await files.read(sessionId, path, { offset: 0, length: 0, chunkBytes: 0 });
      if (content.totalSize > unaryBytes) {
        await letGo(content);
        throw tooLarge(content.totalSize, "ReadFile", "ReadFileStream");
      }
      return { response: { path, content: await readAll(content) } };
    },
    async writeFile({ request }) {
      const { sessionId, path, content } = need(request);
      if (content.length > unaryBytes) throw tooLarge(content.length, "WriteFile", "WriteFileStream");
      const options = { mode: 0, truncate: true, sync: false };
      const size = await files.write(sessionId, path, once(content), options);
      return { response: { path, sizeBytes: BigInt(size) } };
    },
    async *readFileStream({ request }) {
      const { sessionId, path, chunkBytes, ...range } = need(request);
      const [offset, length] = [position(range.offset, "offset"), position(range.length, "length")];
      const { totalSize, chunks } = await files.read(sessionId, path, {
        offset,
        length,
        chunkBytes: Math.min(chunkBytes, chunkBytesMax),
      });
      const size = { totalSize: BigInt(totalSize) };
      for await (const data of chunks) yield { response: { data, ...size } };
      yield { response: { eof: true, ...size } };
    },
    async writeFileStream(requests) {
      const frames = requests[Symbol.asyncIterator]();
      const { payload } = need((await frames.next()).value?.frame);
      if (payload.case !== "start") throw wrongFrame("the first frame has to be `start`");
      const { sessionId, path, mode, truncate, sync } = payload.value;
      if (mode > 0o7777) throw new TenkiError("invalid_argument", "mode has more than permission bits");
      const written = await files.write(sessionId, path, dataOf(frames), { mode, truncate, sync });
      return { response: { path, bytesWritten: BigInt(written) } };
    },
    async stat({ request }) {
      const { sessionId, path } = need(request);
      const info = await files.stat(sessionId, path);
      if (info === undefined) return { response: { exists: false } };
      const { mode, modifiedUnixNs, isDirectory, isSymlink, symlinkTarget = "" } = info;
      const size = BigInt(info.size);
      return {
        response: { exists: true, size, mode, modifiedUnixNs, isDir: isDirectory, isSymlink, symlinkTarget },
      };
    },
    async mkdir({ request }) {
      const { sessionId, path, mode, recursive } = need(request);
      const { modifiedUnixNs } = await files.makeDirectory(sessionId, path, { mode, recursive });
      return { response: { modifiedUnixNs } };
    },
    async remove({ request }) {
      const { sessionId, path, recursive } = need(request);
      const entries = await files.remove(sessionId, path, { recursive });
      return { response: { removed: entries > 0, entriesRemoved: BigInt(entries) } };
    },
    async list({ request }) {
      const { sessionId, path, includeHidden } = need(request);
      const entries = await files.list(sessionId, path, { includeHidden });
      return {
        response: {
          entries: entries.map(({ path: at, isDirectory, size, mode, modifiedUnixNs }) => ({
            name: posix.basename(at),
            isDir: isDirectory,
            size: BigInt(size),
            mode,
            modifiedUnixNs,
          })),
        },
      };
    },
  } satisfies Partial<ServiceImpl<typeof SandboxSessionDataPlaneService>>;
}

async function readAll({ chunks }: FileContent): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** What has not been begun to be read does not know that it is no longer wanted. */
async function letGo({ chunks }: FileContent): Promise<void> {
  for await (const chunk of chunks) if (chunk.length >= 0) break;
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (content.length > 0) yield content;
}

async function* dataOf(
  frames: AsyncIterator<SandboxSessionDataPlaneServiceWriteFileStreamRequest>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let next = await frames.next(); next.done !== true; next = await frames.next()) {
    const { payload } = need(next.value.frame);
    if (payload.case !== "data") throw wrongFrame("after `start`, every frame has to be `data`");
    yield payload.value;
  }
}

function position(value: bigint, field: string): number {
  const number = Number(value);
  if (number >= 0 && Number.isSafeInteger(number)) return number;
  throw new TenkiError("invalid_argument", `${field} must be 0 or more`);
}

const wrongFrame = (why: string): TenkiError => new TenkiError("invalid_argument", why);

const tooLarge = (size: number, method: string, stream: string): TenkiError =>
  new TenkiError(
    "out_of_range",
    `the file has ${formatByteSize(size)}, and ${method} carries at most ${formatByteSize(unaryBytes)}: use ${stream}`,
  );

function need<T>(part: T | undefined): T {
  if (part !== undefined) return part;
  throw wrongFrame("a frame is empty");
}
