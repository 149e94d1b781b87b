import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { TenkiError } from "../../domain/error.js";
import type { Disk, Disks } from "../core/ports/disks.js";
import { copyTree, removeTree } from "./copy-tree.js";
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

  async allocate(_sizeBytes: number, fromSnapshotId?: string): Promise<Disk> {
    const handle = randomBytes(6).toString("hex");
    const directory = join(this.#directory, handle);
    try {
      await this.requireRoom();
      await (fromSnapshotId === undefined
        ? mkdir(directory, { mode: 0o755 })
        : this.#copy(fromSnapshotId, directory));
    } catch (error) {
      throw asDiskError(error, this.#directory);
    }
    return { handle, directory };
  }

  async requireRoom(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await requireFreeSpace(this.#directory);
  }

  isShort(): Promise<boolean> {
    return Promise.resolve(false); // what it takes, the host's own file system has taken
  }

  async #copy(snapshotId: string, directory: string): Promise<void> {
    const snapshot = join(this.#directory, "..", "snapshots", snapshotId);
    if (!existsSync(snapshot)) throw new TenkiError("data_loss", "the data of this snapshot are gone");
    try {
      await copyTree(snapshot, directory);
    } catch (error) {
      await removeTree(directory);
      throw error;
    }
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

  async release(handle: string): Promise<void> {
    await removeTree(join(this.#directory, handle));
  }

  async sweep(keep: ReadonlySet<string>): Promise<void> {
    for (const handle of await readdir(this.#directory).catch(() => [])) {
      if (!keep.has(handle)) await this.release(handle);
    }
  }

  /** Nothing is kept ready. */
  async close(): Promise<void> {}
}
