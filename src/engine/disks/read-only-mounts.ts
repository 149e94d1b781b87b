import { randomBytes } from "node:crypto";
import { readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "../../lib/make-directory.js";
import { mountsBelow } from "../../lib/mount-table.js";
import { runProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import { asDiskError } from "./disk-space.js";

export interface ReadOnlyMount {
  readonly directory: string;
  /** Idempotent. */
  readonly close: () => Promise<void>;
}

/** Images that are looked into, each in a place of its own. */
export class ReadOnlyMounts {
  readonly #directory: string;
  readonly #open = new Set<ReadOnlyMount>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  async open(image: string): Promise<ReadOnlyMount> {
    const directory = join(this.#directory, randomBytes(6).toString("hex"));
    this.#make(directory);
    let closing: Promise<void> | undefined;
    const mount = {
      directory,
      close: () => (closing ??= this.#close(mount)),
    };
    try {
      await run(["mount", "-t", "ext4", "-o", "loop,ro,nosuid,nodev,noexec", image, directory]);
    } catch (error) {
      await rmdir(directory);
      throw error;
    }
    this.#open.add(mount);
    return mount;
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#open].map((mount) => mount.close()));
  }

  /** Closes what an engine that was lost had open. */
  async sweep(): Promise<void> {
    const own = new Set([...this.#open].map(({ directory }) => directory));
    for (const name of await readdir(this.#directory).catch(() => [])) {
      const directory = join(this.#directory, name);
      if (!own.has(directory)) await unmount(directory);
    }
  }

  /** By hand: where the disk is full, Node's own way tells of a directory that is missing. */
  #make(directory: string): void {
    try {
      makeDirectory(directory);
    } catch (error) {
      throw asDiskError(error, this.#directory);
    }
  }

  async #close(mount: ReadOnlyMount): Promise<void> {
    await unmount(mount.directory);
    this.#open.delete(mount);
  }
}

async function unmount(directory: string): Promise<void> {
  for (const { mountPoint } of await mountsBelow(directory)) {
    // Somebody on the host who looks into it keeps it busy; then it goes when they leave.
    await run(["umount", mountPoint]).catch(() => run(["umount", "--lazy", mountPoint]));
  }
  await rmdir(directory);
}

async function run(argv: readonly string[]): Promise<void> {
  await runProcess(argv, { env: { ...systemEnvironment } });
}
