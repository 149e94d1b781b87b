import { type ErrorKind, TenkiError } from "../../../domain/error.js";
import type { FileInfo } from "../../../domain/file.js";
import { callGuest, readGuest } from "../commands/guest-calls.js";
import { resolveGuestPath, resolvePathBelowHome } from "./guest-path.js";
import type { Disks } from "../ports/disks.js";
import type {
  FileContent,
  GuestFiles,
  ReadFileOptions,
  Runtime,
  WriteFileOptions,
} from "../ports/runtime.js";
import type { Sessions } from "../sessions/sessions.js";

/** `ENOSPC`, `EIO`. */
const fullKinds: ReadonlySet<ErrorKind> = new Set(["resource_exhausted", "internal"]);

/** The files of sessions, below the home directory. */
export class Files {
  readonly #sessions: Sessions;
  readonly #runtime: Runtime;
  readonly #disks: Pick<Disks, "requireRoom" | "isShort">;

  constructor(sessions: Sessions, runtime: Runtime, disks: Pick<Disks, "requireRoom" | "isShort">) {
    this.#sessions = sessions;
    this.#runtime = runtime;
    this.#disks = disks;
  }

  async read(sessionId: string, path: string, options: ReadFileOptions): Promise<FileContent> {
    const absolute = resolveGuestPath(path);
    const content = await this.#call(sessionId, (files) => files.read(absolute, options));
    return { totalSize: content.totalSize, chunks: readGuest(this.#sessions, sessionId, content.chunks) };
  }

  async write(
    sessionId: string,
    path: string,
    content: AsyncIterable<Uint8Array>,
    options: WriteFileOptions,
  ): Promise<number> {
    const absolute = resolvePathBelowHome(path);
    // Where the engine's disk is nearly full, only what is written out tells whether it was lost.
    const sync = options.sync || (await this.#disks.isShort());
    try {
      return await this.#call(sessionId, (files) => files.write(absolute, content, { ...options, sync }));
    } catch (error) {
      // A disk is as large as it says only while the engine's own has room: the kernel has either word for that.
      if (error instanceof TenkiError && fullKinds.has(error.kind)) await this.#disks.requireRoom();
      throw error;
    }
  }

  stat(sessionId: string, path: string): Promise<FileInfo | undefined> {
    const absolute = resolveGuestPath(path);
    return this.#call(sessionId, (files) => files.stat(absolute));
  }

  makeDirectory(
    sessionId: string,
    path: string,
    options: { mode: number; recursive: boolean },
  ): Promise<FileInfo> {
    const absolute = resolveGuestPath(path);
    return this.#call(sessionId, (files) => files.makeDirectory(absolute, options));
  }

  remove(sessionId: string, path: string, options: { recursive: boolean }): Promise<number> {
    const absolute = resolvePathBelowHome(path);
    return this.#call(sessionId, (files) => files.remove(absolute, options));
  }

  list(sessionId: string, path: string, options: { includeHidden: boolean }): Promise<FileInfo[]> {
    const absolute = resolveGuestPath(path);
    return this.#call(sessionId, (files) => files.list(absolute, options));
  }

  #call<T>(sessionId: string, call: (files: GuestFiles) => Promise<T>): Promise<T> {
    return callGuest(this.#sessions, sessionId, () => call(this.#runtime.files(sessionId)));
  }
}
