import type { FileInfo } from "../domain/file.js";
import { entryFromWire, fileFromWire } from "./convert/file.js";
import type { DataPlane } from "./data-plane.js";
import type { ListFilesOptions, MkdirOptions, RemoveOptions, WriteStreamOptions } from "./options/files.js";
import { readFileStream } from "./read-file.js";
import { writeFileStream } from "./write-file.js";

/** Up to here a file goes in one message; above it, in a stream. */
const oneMessageBytes = 1 << 20;

/** Reads a whole file of any size. */
export async function readFile(dataPlane: DataPlane, path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await readFileStream(dataPlane, path)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Replaces a file as a whole; a reader sees the old one or the new one. */
export async function writeFile(
  dataPlane: DataPlane,
  path: string,
  data: Uint8Array | string,
  options: WriteStreamOptions = {},
): Promise<void> {
  const content = typeof data === "string" ? Buffer.from(data) : data;
  const plain = options.mode === undefined && options.truncate !== false && options.sync !== true;
  if (plain && content.length <= oneMessageBytes) {
    const { sessionId } = dataPlane;
    await dataPlane.call("writeFile", { request: { sessionId, path, content } }, { signal: options.signal });
  } else {
    await writeFileStream(dataPlane, path, [content], options);
  }
}

/** Undefined where nothing is at that path; a symlink is described itself. */
export async function stat(dataPlane: DataPlane, path: string): Promise<FileInfo | undefined> {
  const { response } = await dataPlane.call("stat", { request: { sessionId: dataPlane.sessionId, path } });
  return fileFromWire(path, response);
}

export async function mkdir(dataPlane: DataPlane, path: string, options: MkdirOptions = {}): Promise<void> {
  const { mode = 0, recursive = true } = options;
  await dataPlane.call("mkdir", { request: { sessionId: dataPlane.sessionId, path, mode, recursive } });
}

/** Resolves with the number of entries removed: 0 where nothing was. */
export async function remove(
  dataPlane: DataPlane,
  path: string,
  options: RemoveOptions = {},
): Promise<number> {
  const { recursive = true } = options;
  const { sessionId } = dataPlane;
  const { response } = await dataPlane.call("remove", { request: { sessionId, path, recursive } });
  return Number(response?.entriesRemoved ?? 0n);
}

export async function list(
  dataPlane: DataPlane,
  path: string,
  options: ListFilesOptions = {},
): Promise<FileInfo[]> {
  const { includeHidden = false } = options;
  const { sessionId } = dataPlane;
  const { response } = await dataPlane.call("list", { request: { sessionId, path, includeHidden } });
  return (response?.entries ?? []).map((entry) => entryFromWire(path, entry));
}
