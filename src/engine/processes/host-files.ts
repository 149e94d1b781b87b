import { randomBytes } from "node:crypto";
import { copyFile, mkdir, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type FileInfo, homeDirectory } from "../../domain/file.js";
import { TenkiError } from "../../domain/error.js";
import { namePath } from "../../domain/name-path.js";
import type { FileContent, GuestFiles, ReadFileOptions, WriteFileOptions } from "../core/ports/runtime.js";
import { asFileError } from "./file-error.js";
import { describeEntry, removeEntries } from "./host-entries.js";

const chunkBytesByDefault = 64 << 10;

/** Files below a directory of the host. A symbolic link that leads out of it is refused when it is looked at. */
export class HostFiles implements GuestFiles {
  readonly #root: () => Promise<string>;

  constructor(root: () => Promise<string>) {
    this.#root = root;
  }

  read(path: string, { offset, length, chunkBytes }: ReadFileOptions): Promise<FileContent> {
    return this.#follow(path, async (target) => {
      const file = await open(target);
      const info = await file.stat();
      if (!info.isFile()) {
        await file.close();
        const text = info.isDirectory() ? "is a directory" : "not a regular file";
        throw new TenkiError("failed_precondition", namePath(text, path));
      }
      const chunks = file.createReadStream({
        start: offset,
        ...(length === 0 ? {} : { end: offset + length - 1 }),
        highWaterMark: chunkBytes || chunkBytesByDefault,
      });
      return { totalSize: info.size, chunks: chunks as AsyncIterable<Uint8Array> };
    });
  }

  write(path: string, content: AsyncIterable<Uint8Array>, options: WriteFileOptions): Promise<number> {
    return this.#follow(path, async (target) => {
      const before = await stat(target).catch(() => undefined);
      if (before?.isDirectory())
        throw new TenkiError("failed_precondition", namePath("is a directory", path));
      const draft = `${target}.${randomBytes(6).toString("hex")}.tmp`;
      try {
        if (before !== undefined && !options.truncate) await copyFile(target, draft);
        const mode = options.mode || (before?.mode ?? 0o644);
        const written = await appendTo(draft, content, { mode: mode & 0o7777, sync: options.sync });
        await rename(draft, target);
        return written;
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
    });
  }

  async stat(path: string): Promise<FileInfo | undefined> {
    try {
      return await this.#at(path, (target) => describeEntry(target, path));
    } catch (error) {
      if (error instanceof TenkiError && /no such file|not a directory/.test(error.message)) return undefined;
      throw error;
    }
  }

  makeDirectory(path: string, options: { mode: number; recursive: boolean }): Promise<FileInfo> {
    return this.#at(path, async (target) => {
      await mkdir(target, { mode: options.mode || 0o755, recursive: options.recursive });
      return describeEntry(target, path);
    });
  }

  async remove(path: string, { recursive }: { recursive: boolean }): Promise<number> {
    if ((await this.stat(path)) === undefined) return 0;
    return this.#at(path, (target) => removeEntries(target, recursive));
  }

  list(path: string, { includeHidden }: { includeHidden: boolean }): Promise<FileInfo[]> {
    return this.#follow(path, async (target) => {
      const names = (await readdir(target)).filter((name) => includeHidden || !name.startsWith("."));
      return Promise.all(names.map((name) => describeEntry(join(target, name), join(path, name))));
    });
  }

  /** The entry itself, also where it is a link. */
  async #at<T>(path: string, action: (target: string) => Promise<T>): Promise<T> {
    const root = await this.#root();
    const target = join(root, path);
    try {
      if (path !== homeDirectory) await requireBelow(root, await deepest(dirname(target)), path);
      return await action(target);
    } catch (error) {
      throw asFileError(error, path);
    }
  }

  /** What a link at its end leads to. */
  #follow<T>(path: string, action: (target: string) => Promise<T>): Promise<T> {
    return this.#at(path, async (target) => {
      const real = await realpath(target).catch(() => target);
      if (real !== target) await requireBelow(await this.#root(), real, path);
      return action(real);
    });
  }
}

async function requireBelow(root: string, real: string, path: string): Promise<void> {
  const home = await realpath(join(root, homeDirectory));
  if (real === home || real.startsWith(`${home}/`)) return;
  throw new TenkiError("permission_denied", namePath(`path is outside ${homeDirectory}`, path));
}

/** The real path of as much of it as there is. */
async function deepest(directory: string): Promise<string> {
  try {
    return await realpath(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return deepest(dirname(directory));
  }
}

async function appendTo(
  path: string,
  content: AsyncIterable<Uint8Array>,
  { mode, sync }: { readonly mode: number; readonly sync: boolean },
): Promise<number> {
  const file = await open(path, "a", 0o600);
  try {
    let written = 0;
    for await (const chunk of content) {
      await file.appendFile(chunk);
      written += chunk.length;
    }
    await file.chmod(mode);
    if (sync) await file.sync();
    return written;
  } finally {
    await file.close();
  }
}
