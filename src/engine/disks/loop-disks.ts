import { randomBytes } from "node:crypto";
import { mkdir, readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { defaultResources } from "../../domain/resources.js";
import type { DiskUsage } from "../../domain/session-stats.js";
import type { Logger } from "../../lib/logger.js";
import type { Disk, Disks } from "../core/ports/disks.js";
import { asDiskError, requireFreeSpace } from "./disk-space.js";
import { persistLoopDisk, reopenLoopDisk } from "./kept-loop-disk.js";
import { makeLoopDisk, removeLoopDisk, type LoopDiskPlace } from "./loop-disk.js";
import { mountUsage } from "./mount-usage.js";
import { ReadyPool } from "./ready-pool.js";

export interface LoopDisksOptions {
  readonly dataDir: string;
  readonly log: Logger;
  /** How many disks of the default size are kept formatted and mounted. Default 3; each takes 1 MB of the host's disk. */
  readonly ready?: number | undefined;
}

/** Disks as sparse ext4 images on loop devices: the size of the image is the quota. */
export async function createLoopDisks(options: LoopDisksOptions): Promise<Disks> {
  const directory = join(options.dataDir, "disks");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // The kernel's tables name mounts and images by their real paths.
  return new LoopDisks(await realpath(directory), options);
}

const readySizeBytes = defaultResources.diskSizeGb * 2 ** 30;
const imageSuffix = ".img";

class LoopDisks implements Disks {
  readonly #directory: string;
  readonly #log: Logger;
  readonly #pool: ReadyPool<Disk>;
  /** Made or being made by this process, and nobody's yet. */
  readonly #unclaimed = new Set<string>();

  constructor(directory: string, options: LoopDisksOptions) {
    this.#directory = directory;
    this.#log = options.log;
    this.#pool = new ReadyPool({
      size: options.ready ?? 3,
      make: () => this.#make(readySizeBytes),
      onFailure: (error) => this.#log.warn("no disk could be made ready", { reason: String(error) }),
    });
  }

  async allocate(sizeBytes: number): Promise<Disk> {
    await requireFreeSpace(this.#directory);
    const ready = sizeBytes === readySizeBytes ? this.#pool.take() : undefined;
    const disk = ready ?? (await this.#make(sizeBytes));
    this.#unclaimed.delete(disk.handle);
    return disk;
  }

  async persist(handle: string): Promise<void> {
    await persistLoopDisk(this.#place(handle));
  }

  async reopen(handle: string): Promise<Disk> {
    const place = this.#place(handle);
    await reopenLoopDisk(place);
    return { handle, directory: place.mountPoint };
  }

  usage(handle: string): Promise<DiskUsage | undefined> {
    return mountUsage(this.#place(handle).mountPoint);
  }

  async release(handle: string): Promise<void> {
    await removeLoopDisk(this.#place(handle));
  }

  async sweep(keep: ReadonlySet<string>): Promise<void> {
    const names = await readdir(this.#directory);
    const handles = new Set(names.map((name) => name.replace(imageSuffix, "")));
    for (const handle of handles) {
      if (keep.has(handle) || this.#unclaimed.has(handle)) continue;
      this.#log.info("removing a disk that belongs to no session", { disk: handle });
      await this.release(handle);
    }
  }

  async close(): Promise<void> {
    for (const disk of await this.#pool.drain()) {
      await this.release(disk.handle);
      this.#unclaimed.delete(disk.handle);
    }
  }

  async #make(sizeBytes: number): Promise<Disk> {
    const handle = randomBytes(6).toString("hex");
    const place = this.#place(handle);
    this.#unclaimed.add(handle);
    try {
      await makeLoopDisk(place, sizeBytes);
      return { handle, directory: place.mountPoint };
    } catch (error) {
      this.#unclaimed.delete(handle);
      throw asDiskError(error, this.#directory);
    }
  }

  #place(handle: string): LoopDiskPlace {
    const mountPoint = join(this.#directory, handle);
    return { mountPoint, image: `${mountPoint}${imageSuffix}` };
  }
}
