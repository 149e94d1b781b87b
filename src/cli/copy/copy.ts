import { lstat, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Session } from "../../client/index.js";
import { TenkiError } from "../../domain/error.js";
import type { Context } from "../context.js";
import { localFileError } from "../local-file-error.js";
import { openLocalFile, writeLocalFile } from "../local-file.js";
import { writeBytes } from "../output/write.js";
import { openRemoteFile } from "../remote-file.js";
import { withProgress } from "../transfer.js";
import { checkArchive } from "./check-archive.js";
import { localDestination, remoteDestination } from "./destination.js";
import { type CopyPlace, refuseDirectory, remoteAbsolute, splitPath } from "./endpoint.js";
import { packTree, unpackTree } from "./local-tree.js";
import { packRemote, unpackRemote } from "./remote-tree.js";

type Chunks = AsyncIterable<Uint8Array>;

/** What is copied, opened: a file, or a tree as an archive. */
interface Source {
  /** As it was written, for messages. */
  readonly label: string;
  /** What a directory that it goes into gets; undefined: a stream, which has no name. */
  readonly name: string | undefined;
  readonly isTree: boolean;
  readonly mode?: number | undefined;
  readonly totalBytes?: number | undefined;
  readonly chunks: Chunks;
}

/** Copies a file or, with `recursive`, a tree; resolves with the number of bytes that went over the wire. */
export async function copy(
  from: CopyPlace,
  to: CopyPlace,
  recursive: boolean,
  ctx: Context,
): Promise<number> {
  if (from.kind !== "remote" && to.kind !== "remote") {
    throw new TenkiError("usage", "neither side is in a session: write one of them as session:PATH");
  }
  const [sourceSession, targetSession] = [await sessionOf(from, ctx), await sessionOf(to, ctx)];
  const source = await openSource(from, sourceSession, recursive, ctx);
  let bytes = 0;
  const count = (total: number) => void (bytes = total);
  const whole = source.isTree ? checkArchive(source.chunks, count) : counted(source.chunks, count);
  const chunks = withProgress(ctx, whole, {
    label: `copying ${source.label}`,
    totalBytes: source.totalBytes,
  });
  if (to.kind === "remote" && targetSession !== undefined)
    await toSession(source, chunks, to.path, targetSession, ctx);
  else await toThisSide(source, chunks, to, ctx);
  return bytes;
}

const sessionOf = async (place: CopyPlace, ctx: Context): Promise<Session | undefined> =>
  place.kind === "remote" ? ctx.session(place.session === "" ? undefined : place.session) : undefined;

async function openSource(
  place: CopyPlace,
  session: Session | undefined,
  recursive: boolean,
  ctx: Context,
): Promise<Source> {
  if (place.kind === "stream")
    return { label: "stdin", name: undefined, isTree: false, chunks: ctx.io.stdin };
  if (place.kind === "remote" && session !== undefined)
    return openRemote(session, place.path, recursive, ctx);
  return openLocal(place.kind === "local" ? place.path : "", recursive);
}

async function openLocal(path: string, recursive: boolean): Promise<Source> {
  const info = await (recursive ? lstat(path) : stat(path)).catch((cause: unknown) => {
    throw localFileError(path, cause);
  });
  const { parent, name } = splitPath(path, resolve(path));
  const isTree = info.isDirectory() || info.isSymbolicLink();
  if (isTree && !recursive) throw refuseDirectory(path);
  if (isTree) return { label: path, name, isTree, chunks: packTree(parent, name) };
  const file = await openLocalFile(path);
  return { label: path, name, isTree, mode: file.mode, totalBytes: file.size, chunks: file.chunks };
}

async function openRemote(session: Session, path: string, recursive: boolean, ctx: Context): Promise<Source> {
  const absolute = remoteAbsolute(path);
  const info = await session.stat(absolute);
  if (info === undefined) throw new TenkiError("not_found", `no such file or directory: ${path}`);
  const { parent, name } = splitPath(path, absolute);
  const isTree = info.isDirectory || (info.isSymlink && recursive);
  if (isTree && !recursive) throw refuseDirectory(path);
  const label = path === "" ? absolute : path;
  if (isTree) return { label, name, isTree, chunks: packRemote({ session, parent, name }, ctx.signal) };
  const mode = info.isSymlink ? undefined : info.mode & 0o777;
  return { label, name, isTree, mode, ...(await openRemoteFile(session, absolute, ctx.signal)) };
}

async function toSession(
  source: Source,
  chunks: Chunks,
  path: string,
  session: Session,
  ctx: Context,
): Promise<void> {
  const name = source.name ?? ".";
  const target = await remoteDestination(session, path, { name, isTree: source.isTree });
  if (source.isTree) return unpackRemote(session, { target, name }, chunks, ctx.signal);
  await session.writeFileStream(target, chunks, { mode: source.mode, signal: ctx.signal });
}

async function toThisSide(source: Source, chunks: Chunks, to: CopyPlace, ctx: Context): Promise<void> {
  if (to.kind !== "local") {
    if (source.isTree) throw new TenkiError("usage", "a tree cannot be copied to stdout");
    for await (const chunk of chunks) await writeBytes(ctx.io.stdout, chunk);
    return;
  }
  const name = source.name ?? ".";
  const target = await localDestination(to.path, { name, isTree: source.isTree });
  if (source.isTree) await unpackTree({ target, name }, chunks);
  else await writeLocalFile(target, chunks, { mode: source.mode });
}

async function* counted(chunks: Chunks, count: (total: number) => void): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    yield chunk;
    bytes += chunk.length;
    count(bytes);
  }
}
