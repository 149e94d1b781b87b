import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { type FileHandle, open, realpath, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { localFileError } from "./local-file-error.js";

export interface LocalSource {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly size: number | undefined;
  readonly mode: number;
}

const chunkBytes = 256 * 1024;

/** Opens a file for reading; that it is missing, a directory or unreadable is thrown here. */
export async function openLocalFile(path: string): Promise<LocalSource> {
  try {
    const file = await open(path, "r");
    const info = await file.stat();
    if (info.isDirectory()) {
      await file.close();
      throw Object.assign(new Error("it is a directory"), { code: "EISDIR" });
    }
    const chunks = file.createReadStream({ highWaterMark: chunkBytes });
    return { chunks, size: info.isFile() ? info.size : undefined, mode: info.mode & 0o777 };
  } catch (cause) {
    throw localFileError(path, cause);
  }
}

/**
 * Writes a file as a whole: beside its place, and moved there once all of it is there; a failure leaves what was
 * there. What is no regular file (`/dev/null`, a pipe) is written to directly: it must not be replaced.
 */
export async function writeLocalFile(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  { mode }: { readonly mode?: number | undefined } = {},
): Promise<number> {
  const target = await realpath(path).catch(() => path); // a link to a file stays one
  const before = await stat(target).catch(() => undefined);
  if (before?.isDirectory() === true) throw localFileError(path, { code: "EISDIR" });
  const inPlace = before !== undefined && !before.isFile();
  const written = inPlace
    ? target
    : join(dirname(target), `.${basename(target)}.${randomBytes(6).toString("hex")}.tmp`);
  const openMode = mode ?? (before === undefined ? 0o666 : before.mode & 0o777);
  const file = await open(written, inPlace ? "w" : "wx", openMode).catch((cause: unknown) => {
    throw localFileError(path, cause);
  });
  try {
    const bytes = await writeAll(file, chunks, path);
    if (!inPlace) {
      await takeOver(file, before, mode);
      await rename(written, target);
    }
    return bytes;
  } catch (error) {
    if (!inPlace) await unlink(written).catch(() => undefined);
    throw error;
  } finally {
    await file.close().catch(() => undefined);
  }
}

async function writeAll(file: FileHandle, chunks: AsyncIterable<Uint8Array>, path: string): Promise<number> {
  let bytes = 0;
  for await (const chunk of chunks) {
    await file.writeFile(chunk).catch((cause: unknown) => {
      throw localFileError(path, cause);
    });
    bytes += chunk.length;
  }
  return bytes;
}

/** A file that replaces another gets its owner, where that is allowed, and its mode unless one was asked for. */
async function takeOver(
  file: FileHandle,
  before: Stats | undefined,
  mode: number | undefined,
): Promise<void> {
  if (before !== undefined) await file.chown(before.uid, before.gid).catch(() => undefined);
  const wanted = mode ?? (before === undefined ? undefined : before.mode & 0o777);
  if (wanted !== undefined) await file.chmod(wanted);
}
