import { constants } from "node:os";
import type { FileInfo } from "../../../domain/file.js";
import type { FileContent, GuestFiles, ReadFileOptions, WriteFileOptions } from "../../core/ports/runtime.js";
import { GuestConnection } from "./connection.js";
import { readFileInfo } from "./file-info.js";
import { expectFrame, readFailure } from "./guest-error.js";
import { malformed, type PayloadReader, PayloadWriter } from "./payload.js";
import { down, request } from "./protocol.js";
import { readContent } from "./read-content.js";
import { writeContent } from "./write-content.js";

/** Long enough to sync a large file to a slow disk. */
const patienceMsByDefault = 300_000;

/** File operations over the link, a connection each. */
export class LinkedFiles implements GuestFiles {
  readonly #socketPath: string;
  readonly #patienceMs: number;

  constructor(socketPath: string, patienceMs: number = patienceMsByDefault) {
    this.#socketPath = socketPath;
    this.#patienceMs = patienceMs;
  }

  async read(path: string, options: ReadFileOptions): Promise<FileContent> {
    const connection = new GuestConnection(this.#socketPath, { patienceMs: this.#patienceMs });
    try {
      return await readContent(connection, path, options);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  async write(path: string, content: AsyncIterable<Uint8Array>, options: WriteFileOptions): Promise<number> {
    return this.#during((connection) => writeContent(connection, path, content, options));
  }

  async stat(path: string): Promise<FileInfo | undefined> {
    return this.#during(async (connection) => {
      void connection.send(request.stat, new PayloadWriter().string(path).finish());
      const frame = await connection.next();
      const errno = readFailure(frame)?.errno;
      if (errno === constants.errno.ENOENT || errno === constants.errno.ENOTDIR) return undefined;
      const reader = expectFrame(frame, down.info, path);
      return readFileInfo(reader, path);
    });
  }

  async makeDirectory(path: string, options: { mode: number; recursive: boolean }): Promise<FileInfo> {
    return this.#during(async (connection) => {
      const payload = new PayloadWriter()
        .string(path)
        .u32(options.mode)
        .u8(options.recursive ? 1 : 0);
      void connection.send(request.mkdir, payload.finish());
      return readFileInfo(expectFrame(await connection.next(), down.info, path), path);
    });
  }

  async remove(path: string, options: { recursive: boolean }): Promise<number> {
    return this.#during(async (connection) => {
      const payload = new PayloadWriter().string(path).u8(options.recursive ? 1 : 0);
      void connection.send(request.remove, payload.finish());
      return expectFrame(await connection.next(), down.done, path).u64();
    });
  }

  async list(path: string, options: { includeHidden: boolean }): Promise<FileInfo[]> {
    return this.#during(async (connection) => {
      const payload = new PayloadWriter().string(path).u8(options.includeHidden ? 1 : 0);
      void connection.send(request.list, payload.finish());
      const entries: FileInfo[] = [];
      for (;;) {
        const frame = await connection.next();
        if (frame.type === down.end) return entries.sort(byPath);
        const reader = expectFrame(frame, down.entries, path);
        while (!reader.atEnd) entries.push(readFileInfo(reader, `${path}/${readName(reader)}`));
      }
    });
  }

  async #during<T>(operation: (connection: GuestConnection) => Promise<T>): Promise<T> {
    const connection = new GuestConnection(this.#socketPath, { patienceMs: this.#patienceMs });
    try {
      return await operation(connection);
    } finally {
      connection.close();
    }
  }
}

/** By code unit: the same everywhere, whatever the locale. */
const byPath = (a: FileInfo, b: FileInfo): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);

/** An entry's name may go into paths elsewhere, so it has to be one. */
function readName(reader: PayloadReader): string {
  const name = reader.string();
  if (name === "" || name === "." || name === ".." || name.includes("/"))
    throw malformed("a name that is none");
  return name;
}
