import { mkdir, readdir, rename } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { runProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import type { VolumeDisks } from "../core/ports/volume-disks.js";
import { asDiskError, requireFreeSpace } from "./disk-space.js";
import { syncFileSystem } from "./sync-file-system.js";

export interface DirectoryVolumesOptions {
  readonly dataDir: string;
  /** Why no sandbox can be given one. Default: all can. */
  readonly unavailable?: string | undefined;
}

/** Volumes as plain directories, for where there are no loop devices: their size is not bounded. */
export function createDirectoryVolumes(options: DirectoryVolumesOptions): VolumeDisks {
  return new DirectoryVolumes(options);
}

class DirectoryVolumes implements VolumeDisks {
  readonly unavailable: string | undefined;
  readonly #directory: string;

  constructor({ dataDir, unavailable }: DirectoryVolumesOptions) {
    this.unavailable = unavailable;
    this.#directory = join(dataDir, "volumes");
  }

  async make(id: string): Promise<void> {
    const directory = join(this.#directory, id);
    try {
      await this.requireRoom();
      const unfinished = `${directory}.new`;
      await mkdir(unfinished, { mode: 0o755 });
      await runProcess(["chown", "1000:1000", unfinished], { env: { ...systemEnvironment } });
      await rename(unfinished, directory);
      await syncFileSystem(directory);
    } catch (error) {
      await this.remove(id);
      throw asDiskError(error, this.#directory);
    }
  }

  async requireRoom(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await requireFreeSpace(this.#directory);
  }

  async open(id: string): Promise<string> {
    const directory = join(this.#directory, id);
    if (existsSync(directory)) return directory;
    throw new TenkiError("data_loss", "the data of this volume are gone");
  }

  async persist(id: string): Promise<void> {
    await syncFileSystem(join(this.#directory, id));
  }

  /** What lies in a directory only a walk through the guest's own tree could tell. */
  async usedBytes(): Promise<undefined> {
    return undefined;
  }

  async close(id: string): Promise<void> {
    if (existsSync(join(this.#directory, id))) await this.persist(id);
  }

  /** By `rm`, which goes down by descriptors: a guest may have nested deeper than a path can say. */
  async remove(id: string): Promise<void> {
    const directory = join(this.#directory, id);
    await runProcess(["rm", "-rf", "--one-file-system", "--", directory, `${directory}.new`], {
      env: { ...systemEnvironment },
      timeoutMs: 10 * 60_000,
    });
  }

  async sweep(keep: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.#directory).catch(() => [])) {
      const id = name.replace(/\.new$/, "");
      if (!keep.has(id)) await this.remove(id);
    }
  }
}
