import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { defaultResources } from "../../domain/resources.js";
import { TenkiError } from "../../domain/error.js";
import type { DiskUsage } from "../../domain/session-stats.js";
import type { Logger } from "../../lib/logger.js";
import { mountsBelow } from "../../lib/mount-table.js";
import { tryProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import type { Disk, Disks } from "../core/ports/disks.js";
import { asDiskError } from "./disk-space.js";
import { canShare, imageNames, imagePath, type ImagePool, imageSuffix, openPlainPool } from "./image-pool.js";
import { DiskTemplates } from "./disk-template.js";
import { persistLoopDisk, reopenLoopDisk } from "./kept-loop-disk.js";
import { makeLoopDisk, removeLoopDisk, type LoopDiskPlace } from "./loop-disk.js";
import { mountUsage } from "./mount-usage.js";
import { ReadyPool } from "./ready-pool.js";
import { restoreLoopDisk } from "./restored-disk.js";

export interface LoopDisksOptions {
  readonly dataDir: string;
  readonly log: Logger;
  /** Where images lie. Default: in the data directory, copied whole. */
  readonly pool?: ImagePool | undefined;
  /** How many disks of the default size are kept formatted and mounted. Default 3; each takes 1 MB of the host's disk. */
  readonly ready?: number | undefined;
}

/** Disks as sparse ext4 images on loop devices: the size of the image is the quota. */
export async function createLoopDisks(options: LoopDisksOptions): Promise<LoopDisks> {
  await mkdir(join(options.dataDir, "disks"), { recursive: true, mode: 0o700 });
  const pool = options.pool ?? (await openPlainPool(options.dataDir, false));
  return new LoopDisks(pool, options);
}

/** Gigabytes that were deleted since the last time take seconds; nothing, milliseconds. */
const trimTimeoutMs = 30_000;

const readySizeBytes = defaultResources.diskSizeGb * 2 ** 30;

export class LoopDisks implements Disks {
  readonly #images: ImagePool;
  /** Where they are mounted. */
  readonly #directory: string;
  readonly #log: Logger;
  readonly #templates: DiskTemplates;
  readonly #pool: ReadyPool<Disk>;
  /** Made or being made by this process, and nobody's yet. */
  readonly #unclaimed = new Set<string>();

  constructor(images: ImagePool, options: LoopDisksOptions) {
    this.#images = images;
    this.#directory = join(images.roots.at(-1) ?? "", "disks");
    this.#log = options.log;
    this.#templates = new DiskTemplates(images);
    this.#pool = new ReadyPool({
      size: options.ready ?? 3,
      make: () => this.#makeEmpty(readySizeBytes),
      onFailure: (error) => this.#log.warn("no disk could be made ready", { reason: String(error) }),
    });
  }

  async allocate(sizeBytes: number, fromSnapshotId?: string): Promise<Disk> {
    await this.requireRoom();
    const disk =
      fromSnapshotId === undefined
        ? await this.#allocateEmpty(sizeBytes)
        : await this.#allocateFrom(fromSnapshotId, sizeBytes);
    this.#unclaimed.delete(disk.handle);
    return disk;
  }

  requireRoom(): Promise<void> {
    return this.#images.requireRoom(() => this.#trim());
  }

  isShort(): Promise<boolean> {
    return this.#images.isShort();
  }

  /** What was deleted on disks that are in use. Only where room is short: at each deletion, guests would wait for it. */
  async #trim(): Promise<void> {
    for (const { mountPoint } of await mountsBelow(this.#directory)) {
      // What cannot be trimmed keeps its room.
      await tryProcess(["fstrim", mountPoint], { env: { ...systemEnvironment }, timeoutMs: trimTimeoutMs });
    }
  }

  async persist(handle: string): Promise<void> {
    try {
      await persistLoopDisk(this.place(handle));
    } catch (error) {
      await this.requireRoom(); // where there is none, the kernel may call it an input/output error
      throw asDiskError(error, this.#images.roots.at(-1) ?? "");
    }
  }

  async reopen(handle: string): Promise<Disk> {
    const place = this.place(handle);
    await reopenLoopDisk(place);
    return { handle, directory: place.mountPoint };
  }

  usage(handle: string): Promise<DiskUsage | undefined> {
    return mountUsage(this.place(handle).mountPoint);
  }

  async release(handle: string): Promise<void> {
    await removeLoopDisk(this.place(handle));
  }

  async sweep(keep: ReadonlySet<string>): Promise<void> {
    const names = [...(await imageNames(this.#images, "disks")), ...(await readdir(this.#directory))];
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

  /** Where it lies, whether it is there or not. */
  place(handle: string): LoopDiskPlace {
    return {
      mountPoint: join(this.#directory, handle),
      image: imagePath(this.#images, "disks", handle),
    };
  }

  async #allocateEmpty(sizeBytes: number): Promise<Disk> {
    const ready = sizeBytes === readySizeBytes ? this.#pool.take() : undefined;
    return ready ?? (await this.#makeEmpty(sizeBytes));
  }

  async #makeEmpty(sizeBytes: number): Promise<Disk> {
    // Of other sizes there are too many to keep a formatted one of each.
    const image = sizeBytes === readySizeBytes ? await this.#templates.image(sizeBytes) : undefined;
    return this.#make((place) =>
      image === undefined
        ? makeLoopDisk(place, sizeBytes)
        : restoreLoopDisk(place, { image, shares: true }, sizeBytes),
    );
  }

  async #allocateFrom(snapshotId: string, sizeBytes: number): Promise<Disk> {
    const image = imagePath(this.#images, "snapshots", snapshotId);
    if (!existsSync(image)) throw new TenkiError("data_loss", "the data of this snapshot are gone");
    const from = { image, shares: canShare(this.#images, image) };
    return this.#make((place) => restoreLoopDisk(place, from, sizeBytes));
  }

  async #make(make: (place: LoopDiskPlace) => Promise<void>): Promise<Disk> {
    const handle = randomBytes(6).toString("hex");
    const place = this.place(handle);
    this.#unclaimed.add(handle);
    try {
      await make(place);
      return { handle, directory: place.mountPoint };
    } catch (error) {
      this.#unclaimed.delete(handle);
      throw asDiskError(error, this.#directory);
    }
  }
}
