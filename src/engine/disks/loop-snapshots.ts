import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { TenkiError } from "../../domain/error.js";
import { KeyedMutex } from "../../lib/keyed-mutex.js";
import type { Logger } from "../../lib/logger.js";
import type { SnapshotDisks, TakenSnapshot } from "../core/ports/snapshot-disks.js";
import type { ImageMount } from "../core/ports/images.js";
import { asDiskError } from "./disk-space.js";
import { exportLayer } from "./export-layer.js";
import { copyStill } from "./copy-still.js";
import { canShare, imageNames, imagePath, type ImagePool, imageSuffix } from "./image-pool.js";
import { mend, syncFile } from "./kept-loop-disk.js";
import { isMounted, makeSparseFile } from "./loop-disk.js";
import type { LoopDisks } from "./loop-disks.js";
import { ReadOnlyMounts } from "./read-only-mounts.js";

export interface LoopSnapshotsOptions {
  readonly dataDir: string;
  readonly pool: ImagePool;
  readonly disks: LoopDisks;
  readonly guestBinary: string;
  /** What lies below every disk. */
  readonly imageMounts: () => Promise<readonly ImageMount[]>;
  readonly log: Logger;
}

const unfinishedSuffix = ".new";

/** The session still has its disk, and what is checked is a copy that goes. */
const copyOut = "tenki sandbox cp copies out what can still be read; a new session has a disk that is whole";

/** Snapshots as images beside those of the disks, that share with them what did not change since. */
export class LoopSnapshots implements SnapshotDisks {
  /** The file system on the disk stands still by itself. */
  readonly needsStill = false;
  readonly #options: LoopSnapshotsOptions;
  readonly #mounts: ReadOnlyMounts;
  /** Two at once cannot hold the same disk. */
  readonly #turns = new KeyedMutex();

  constructor(options: LoopSnapshotsOptions) {
    this.#options = options;
    this.#mounts = new ReadOnlyMounts(join(options.dataDir, "exports"));
  }

  async take(id: string, diskHandle: string): Promise<TakenSnapshot> {
    const { pool, disks } = this.#options;
    const directory = dirname(imagePath(pool, "snapshots", id));
    const image = join(pool.roots[0], "snapshots", `${id}${imageSuffix}`);
    const unfinished = `${image}${unfinishedSuffix}`;
    try {
      await disks.requireRoom();
      if (!(await isMounted(disks.place(diskHandle)))) await disks.reopen(diskHandle);
      await rm(unfinished, { force: true });
      await makeSparseFile(unfinished, 0);
      const taken = await this.#turns.run(diskHandle, () => this.#copy(diskHandle, unfinished));
      // A disk has no journal, and was not closed: what a check would find is mended once, and not at each restore.
      await mend(unfinished, "the session's disk", copyOut);
      await rename(unfinished, image);
      return taken;
    } catch (error) {
      await rm(unfinished, { force: true });
      throw asDiskError(error, directory);
    }
  }

  async persist(id: string): Promise<void> {
    const image = this.#existing(id);
    await syncFile(image);
    await syncFile(dirname(image));
  }

  async export(id: string, signal: AbortSignal): Promise<Readable> {
    const { guestBinary, imageMounts } = this.#options;
    const mount = await this.#mounts.open(this.#existing(id));
    return exportLayer({
      disk: mount.directory,
      mounts: await imageMounts(),
      guestBinary,
      signal,
      close: mount.close,
    });
  }

  async remove(id: string): Promise<void> {
    const { pool } = this.#options;
    for (const root of pool.roots) {
      const image = join(root, "snapshots", `${id}${imageSuffix}`);
      for (const path of [image, `${image}${unfinishedSuffix}`]) await rm(path, { force: true });
    }
  }

  async sweep(keep: ReadonlySet<string>): Promise<void> {
    const { pool, log } = this.#options;
    await this.#mounts.sweep();
    for (const name of await imageNames(pool, "snapshots")) {
      const id = name.replace(imageSuffix, "");
      if (keep.has(id)) continue;
      log.info("removing what belongs to no snapshot", { name });
      for (const root of pool.roots) await rm(join(root, "snapshots", name), { force: true });
    }
  }

  /** Ends what still goes out. */
  async close(): Promise<void> {
    await this.#mounts.closeAll();
  }

  #copy(diskHandle: string, file: string): Promise<TakenSnapshot> {
    const { pool, disks, guestBinary, log } = this.#options;
    const place = disks.place(diskHandle);
    return copyStill({ guestBinary, place, file, shares: canShare(pool, place.image), log });
  }

  #existing(id: string): string {
    const image = imagePath(this.#options.pool, "snapshots", id);
    if (existsSync(image)) return image;
    throw new TenkiError("data_loss", "the data of this snapshot are gone");
  }
}
