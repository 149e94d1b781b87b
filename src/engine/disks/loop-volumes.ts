import { mkdir, readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { TenkiError } from "../../domain/error.js";
import type { Logger } from "../../lib/logger.js";
import { ProcessError } from "../../lib/process.js";
import type { VolumeDisks } from "../core/ports/volume-disks.js";
import { asDiskError, requireFreeSpace } from "./disk-space.js";
import { syncFileSystem } from "./sync-file-system.js";
import type { LoopDiskPlace } from "./loop-disk.js";
import {
  closeVolumeImage,
  makeVolumeImage,
  openVolumeImage,
  removeVolumeImage,
  usedBytesOf,
} from "./volume-image.js";

export interface LoopVolumesOptions {
  readonly dataDir: string;
  readonly log: Logger;
}

/** Volumes as sparse ext4 images on loop devices, which are mounted on the host while a session has them. */
export async function createLoopVolumes(options: LoopVolumesOptions): Promise<VolumeDisks> {
  const directory = join(options.dataDir, "volumes");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // The kernel's tables name mounts and images by their real paths.
  return new LoopVolumes(await realpath(directory), options);
}

const imageSuffix = ".img";

class LoopVolumes implements VolumeDisks {
  readonly #directory: string;
  readonly #log: Logger;

  constructor(directory: string, { log }: LoopVolumesOptions) {
    this.#directory = directory;
    this.#log = log;
  }

  requireRoom(): Promise<void> {
    return requireFreeSpace(this.#directory);
  }

  async make(id: string): Promise<void> {
    await this.#onDisk(async () => {
      await this.requireRoom();
      await makeVolumeImage(this.#place(id));
    });
  }

  async open(id: string, sizeBytes: number): Promise<string> {
    await this.#onDisk(() => openVolumeImage(this.#place(id), sizeBytes));
    return this.#place(id).mountPoint;
  }

  async persist(id: string): Promise<void> {
    await this.#onDisk(() => syncFileSystem(this.#place(id).mountPoint));
  }

  usedBytes(id: string): Promise<number | undefined> {
    return usedBytesOf(this.#place(id));
  }

  async close(id: string): Promise<void> {
    await refusedWhenBusy(closeVolumeImage(this.#place(id)));
  }

  async remove(id: string): Promise<void> {
    await refusedWhenBusy(removeVolumeImage(this.#place(id)));
  }

  async sweep(keep: ReadonlySet<string>, open: ReadonlySet<string>): Promise<void> {
    const names = await readdir(this.#directory);
    for (const id of new Set(names.map((name) => name.replace(imageSuffix, "")))) {
      if (keep.has(id) && open.has(id)) continue;
      if (!keep.has(id)) this.#log.info("removing a disk that belongs to no volume", { disk: id });
      await (keep.has(id) ? this.close(id) : this.remove(id)).catch((error: unknown) =>
        this.#log.warn("a volume could not be closed", { volume: id, error: String(error) }),
      );
    }
  }

  async #onDisk<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw asDiskError(error, this.#directory);
    }
  }

  #place(id: string): LoopDiskPlace {
    const mountPoint = join(this.#directory, id);
    return { mountPoint, image: `${mountPoint}${imageSuffix}` };
  }
}

/** Unmounted lazily it would be written to for as long as somebody likes, and nobody would see it. */
async function refusedWhenBusy(action: Promise<void>): Promise<void> {
  try {
    await action;
  } catch (cause) {
    if (!(cause instanceof ProcessError) || !/busy/.test(cause.result.stderr)) throw cause;
    throw new TenkiError(
      "failed_precondition",
      "volume is in use: a program on the engine's machine has it open",
      {
        cause,
      },
    );
  }
}
