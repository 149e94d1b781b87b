import { existsSync } from "node:fs";
import { mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { TenkiError } from "../../domain/error.js";
import type { ImageMount } from "../core/ports/images.js";
import type { SnapshotDisks, TakenSnapshot } from "../core/ports/snapshot-disks.js";
import { bytesInTree, copyTree, removeTree } from "./copy-tree.js";
import { asDiskError, requireFreeSpace } from "./disk-space.js";
import { exportLayer } from "./export-layer.js";
import { syncFileSystem } from "./sync-file-system.js";

export interface DirectorySnapshotsOptions {
  readonly dataDir: string;
  readonly guestBinary: string;
  /** What lies below every disk. */
  readonly imageMounts: () => Promise<readonly ImageMount[]>;
  /** In a user namespace the kernel marks otherwise what was removed. */
  readonly rootless: boolean;
}

/** Snapshots as copies of directories, for where there are no loop devices. */
export class DirectorySnapshots implements SnapshotDisks {
  readonly needsStill = true;
  readonly #options: DirectorySnapshotsOptions;
  readonly #directory: string;

  constructor(options: DirectorySnapshotsOptions) {
    this.#options = options;
    this.#directory = join(options.dataDir, "snapshots");
  }

  async take(id: string, diskHandle: string): Promise<TakenSnapshot> {
    const disk = join(this.#options.dataDir, "disks", diskHandle);
    if (!existsSync(disk)) throw new TenkiError("data_loss", "its disk is gone");
    const directory = this.#place(id);
    const unfinished = `${directory}.new`;
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await requireFreeSpace(this.#directory);
      await removeTree(unfinished);
      await copyTree(disk, unfinished);
      await rename(unfinished, directory);
    } catch (error) {
      await removeTree(unfinished);
      throw asDiskError(error, this.#directory);
    }
    return { sizeBytes: await bytesInTree(directory) };
  }

  async persist(id: string): Promise<void> {
    await syncFileSystem(this.#existing(id));
  }

  async export(id: string, signal: AbortSignal): Promise<Readable> {
    const { guestBinary, imageMounts, rootless } = this.#options;
    const disk = this.#existing(id);
    const markedBy = rootless ? "user" : "trusted";
    const mounts = await imageMounts();
    return exportLayer({ disk, mounts, guestBinary, markedBy, signal, close: async () => undefined });
  }

  async remove(id: string): Promise<void> {
    for (const directory of [this.#place(id), `${this.#place(id)}.new`]) await removeTree(directory);
  }

  async sweep(keep: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.#directory).catch(() => [])) {
      if (!keep.has(name)) await removeTree(join(this.#directory, name));
    }
  }

  #place(id: string): string {
    return join(this.#directory, id);
  }

  #existing(id: string): string {
    if (existsSync(this.#place(id))) return this.#place(id);
    throw new TenkiError("data_loss", "the data of this snapshot are gone");
  }
}
