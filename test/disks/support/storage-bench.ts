import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { ImageMount } from "../../../src/engine/core/ports/images.js";
import { loopDevicesOf } from "../../../src/engine/disks/loop-devices.js";
import { createLoopStorage, type Storage } from "../../../src/engine/disks/loop-storage.js";
import { silentLogger } from "../../../src/lib/logger.js";
import { mountsBelow } from "../../../src/lib/mount-table.js";
import { runProcess } from "../../../src/lib/process.js";
import { waitUntil } from "../../../src/lib/wait-until.js";

export const guestBinary = resolve("dist/tenki-guest");
export const MiB = 2 ** 20;

export interface StorageBenchOptions {
  /** Below every disk. Default: one empty layer at `/`. */
  readonly mounts?: readonly ImageMount[];
  /** What the data directory lies on: a file system of this kind, so large. Default: what there is. */
  readonly host?: { readonly fileSystem: "ext4" | "xfs" | "btrfs"; readonly bytes: number };
}

/** The real disks and snapshots over a data directory of their own; an engine can be lost, and comes again. */
export class StorageBench {
  readonly #root = mkdtempSync(join(tmpdir(), "tenki-storage-"));
  readonly host = join(this.#root, "host");
  readonly dataDir = join(this.host, "engine");
  readonly #options: StorageBenchOptions;
  readonly #opened: Storage[] = [];

  private constructor(options: StorageBenchOptions) {
    this.#options = options;
  }

  static async open(options: StorageBenchOptions = {}): Promise<StorageBench> {
    const bench = new StorageBench(options);
    mkdirSync(bench.host);
    if (options.host !== undefined) await bench.#mountHost(options.host);
    mkdirSync(bench.dataDir);
    return bench;
  }

  async start(ready = 0): Promise<Storage> {
    const lower = join(this.#root, "lower");
    mkdirSync(lower, { recursive: true });
    const storage = await createLoopStorage({
      dataDir: this.dataDir,
      guestBinary,
      imageMounts: async () => this.#options.mounts ?? [{ target: "/", lowerDirectories: [lower] }],
      log: silentLogger,
      ready,
    });
    this.#opened.push(storage);
    return storage;
  }

  /** The file system below is larger from now on; while nothing is mounted in it. */
  async growHost(bytes: number): Promise<void> {
    const image = join(this.#root, "host.img");
    await runProcess(["umount", this.host]);
    // The next mount would take the device that is there still, as small as it is.
    const isFree = async () => ((await loopDevicesOf(image)).length === 0 ? true : undefined);
    assert.ok(await waitUntil(isFree, { timeoutMs: 30_000 }));
    await runProcess(["truncate", "--size", String(bytes), image]);
    await runProcess(["resize2fs", "-f", image]);
    await runProcess(["mount", "-o", "loop", image, this.host]);
  }

  /** What there is of images, by kind, wherever they lie. */
  images(kind: "disks" | "snapshots"): string[] {
    const places = [this.dataDir, join(this.dataDir, "pool")].map((root) => join(root, kind));
    const names = places.filter((place) => existsSync(place)).flatMap((place) => readdirSync(place));
    return names.filter((name) => name.includes(".img")).sort();
  }

  async mounts(): Promise<string[]> {
    return (await mountsBelow(this.dataDir)).map(({ mountPoint }) => mountPoint);
  }

  /** Files on loop devices: who lets go of one does so a moment later. */
  loops(): string[] {
    return readdirSync("/sys/block").flatMap((name) => {
      const file = `/sys/block/${name}/loop/backing_file`;
      const text = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
      return text.startsWith(this.dataDir) ? [text] : [];
    });
  }

  /** Everything is given back, and nothing is left. */
  async close(): Promise<void> {
    const last = this.#opened.length > 0 ? await this.start() : undefined;
    await last?.disks.sweep(new Set());
    await last?.snapshots.sweep(new Set());
    for (const storage of this.#opened.splice(0)) await storage.close();
    assert.deepEqual(await this.mounts(), []);
    await waitUntil(() => (this.loops().length === 0 ? true : undefined), { timeoutMs: 10_000 });
    assert.deepEqual(this.loops(), []);
    if (this.#options.host !== undefined) await runProcess(["umount", this.host]);
    rmSync(this.#root, { recursive: true });
  }

  async #mountHost({ fileSystem, bytes }: { fileSystem: string; bytes: number }): Promise<void> {
    const image = join(this.#root, "host.img");
    await runProcess(["truncate", "--size", String(bytes), image]);
    const force = fileSystem === "ext4" ? ["-F", "-q"] : ["-f", "-q"];
    await runProcess([`mkfs.${fileSystem}`, ...force, image]);
    await runProcess(["mount", "-o", "loop", image, this.host]);
  }
}
