import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { runProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import type { Disk, Disks } from "../core/ports/disks.js";
import { asDiskError, requireFreeSpace } from "./disk-space.js";
import { syncFileSystem } from "./sync-file-system.js";

/** Disks as plain directories, for where there are no loop devices: their size is not bounded. */
export function createDirectoryDisks(options: { readonly dataDir: string }): Disks {
  return new DirectoryDisks(join(options.dataDir, "disks"));
}

class DirectoryDisks implements Disks {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async allocate(): Promise<Disk> {
    const handle = randomBytes(6).toString("hex");
    const directory = join(this.#directory, handle);
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await requireFreeSpace(this.#directory);
      await mkdir(directory, { mode: 0o755 });
    } catch (error) {
      throw asDiskError(error, this.#directory);
    }
    return { handle, directory };
  }

  async persist(handle: string): Promise<void> {
    await syncFileSystem(join(this.#directory, handle));
  }

  async reopen(handle: string): Promise<Disk> {
    const directory = join(this.#directory, handle);
    if (existsSync(directory)) return { handle, directory };
    throw new TenkiError("data_loss", "its disk is gone");
  }

  /** What lies in a directory only a walk through the guest's own tree could tell. */
  async usage(): Promise<undefined> {
    return undefined;
  }

  /** By `rm`, which goes down by descriptors: a guest may have nested deeper than a path can say. */
  async release(handle: string): Promise<void> {
    await runProcess(["rm", "-rf", "--one-file-system", "--", join(this.#directory, handle)], {
      env: { ...systemEnvironment },
      timeoutMs: 10 * 60_000,
    });
  }

  async sweep(keep: ReadonlySet<string>): Promise<void> {
    for (const handle of await readdir(this.#directory).catch(() => [])) {
      if (!keep.has(handle)) await this.release(handle);
    }
  }

  /** Nothing is kept ready. */
  async close(): Promise<void> {}
}
