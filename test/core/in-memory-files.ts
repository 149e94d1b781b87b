import { posix } from "node:path";
import { TenkiError } from "../../src/domain/error.js";
import { type FileInfo, homeDirectory } from "../../src/domain/file.js";
import type {
  FileContent,
  GuestFiles,
  ReadFileOptions,
  WriteFileOptions,
} from "../../src/engine/core/ports/runtime.js";

interface Entry {
  /** Undefined: a directory. */
  readonly content: Buffer | undefined;
  readonly mode: number;
}

/** A tree of files in memory. */
export class InMemoryFiles implements GuestFiles {
  readonly entries = new Map<string, Entry>([[homeDirectory, { content: undefined, mode: 0o755 }]]);
  #failure: Error | undefined;

  constructor(failure?: Error) {
    this.#failure = failure;
  }

  /** From now on every call fails, and what is being read breaks off. */
  fail(failure: Error): void {
    this.#failure = failure;
  }

  async read(path: string, options: ReadFileOptions): Promise<FileContent> {
    const { content } = this.#find(path);
    if (content === undefined) throw new TenkiError("failed_precondition", `is a directory: ${path}`);
    const end = options.length === 0 ? content.length : options.offset + options.length;
    const wanted = content.subarray(options.offset, end);
    return { totalSize: content.length, chunks: this.#chunks(wanted, options.chunkBytes || 65_536) };
  }

  async write(path: string, source: AsyncIterable<Uint8Array>, options: WriteFileOptions): Promise<number> {
    this.#check();
    const chunks: Uint8Array[] = [];
    for await (const chunk of source) chunks.push(chunk);
    this.#check();
    const before = this.entries.get(path);
    const written = Buffer.concat(chunks);
    const content = options.truncate ? written : Buffer.concat([before?.content ?? Buffer.alloc(0), written]);
    this.entries.set(path, { content, mode: options.mode || before?.mode || 0o644 });
    return written.length;
  }

  async stat(path: string): Promise<FileInfo | undefined> {
    this.#check();
    const entry = this.entries.get(path);
    return entry && info(path, entry);
  }

  async makeDirectory(path: string, options: { mode: number; recursive: boolean }): Promise<FileInfo> {
    this.#check();
    const parent = posix.dirname(path);
    if (this.entries.has(path) && !options.recursive)
      throw new TenkiError("already_exists", `file exists: ${path}`);
    if (!this.entries.has(parent)) {
      if (!options.recursive) this.#find(parent);
      await this.makeDirectory(parent, options);
    }
    const entry = this.entries.get(path) ?? { content: undefined, mode: options.mode || 0o755 };
    this.entries.set(path, entry);
    return info(path, entry);
  }

  async remove(path: string, options: { recursive: boolean }): Promise<number> {
    this.#check();
    const doomed = [...this.entries.keys()].filter((key) => key === path || key.startsWith(`${path}/`));
    if (doomed.length > 1 && !options.recursive) {
      throw new TenkiError("failed_precondition", `directory not empty: ${path}`);
    }
    for (const key of doomed) this.entries.delete(key);
    return doomed.length;
  }

  async list(path: string, options: { includeHidden: boolean }): Promise<FileInfo[]> {
    this.#find(path);
    return [...this.entries]
      .filter(([key]) => posix.dirname(key) === path && key !== path)
      .filter(([key]) => options.includeHidden || !posix.basename(key).startsWith("."))
      .map(([key, entry]) => info(key, entry));
  }

  async *#chunks(content: Buffer, chunkBytes: number): AsyncGenerator<Uint8Array> {
    for (let offset = 0; offset < content.length; offset += chunkBytes) {
      this.#check();
      yield content.subarray(offset, offset + chunkBytes);
    }
  }

  #find(path: string): Entry {
    this.#check();
    const entry = this.entries.get(path);
    if (entry === undefined) throw new TenkiError("not_found", `no such file or directory: ${path}`);
    return entry;
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

const info = (path: string, { content, mode }: Entry): FileInfo => ({
  path,
  size: content?.length ?? 0,
  mode,
  isDirectory: content === undefined,
  isSymlink: false,
  modifiedUnixNs: 0n,
});
