import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ImagePool } from "./image-pool.js";
import { formatOptions, formatSparseFile } from "./loop-disk.js";

/** One formatted image for each size, of which empty disks are copies: faster than to format each. */
export class DiskTemplates {
  readonly #pool: ImagePool;
  readonly #making = new Map<number, Promise<string>>();

  constructor(pool: ImagePool) {
    this.#pool = pool;
  }

  /** The image, made where it is not there yet; undefined where a copy would share nothing with it. */
  async image(sizeBytes: number): Promise<string | undefined> {
    if (!this.#pool.shares) return undefined;
    const making = this.#making.get(sizeBytes) ?? this.#make(sizeBytes);
    this.#making.set(sizeBytes, making);
    try {
      return await making;
    } catch (error) {
      this.#making.delete(sizeBytes);
      throw error;
    }
  }

  async #make(sizeBytes: number): Promise<string> {
    const directory = join(this.#pool.roots[0], "templates");
    const image = join(directory, `${nameOf(sizeBytes)}.img`);
    if (existsSync(image)) return image;
    const unfinished = `${image}.new`;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    try {
      await rm(unfinished, { force: true });
      await formatSparseFile(unfinished, sizeBytes);
      await rename(unfinished, image);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
    return image;
  }
}

/** An engine that formats otherwise has templates of its own. */
const nameOf = (sizeBytes: number): string =>
  createHash("sha256")
    .update(JSON.stringify([sizeBytes, formatOptions]))
    .digest("hex")
    .slice(0, 16);
