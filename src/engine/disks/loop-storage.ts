import { realpath } from "node:fs/promises";
import type { Logger } from "../../lib/logger.js";
import type { Disks } from "../core/ports/disks.js";
import type { ImageMount } from "../core/ports/images.js";
import type { SnapshotDisks } from "../core/ports/snapshot-disks.js";
import { letWritersGoOn } from "./copy-still.js";
import { createLoopDisks } from "./loop-disks.js";
import { LoopSnapshots } from "./loop-snapshots.js";
import { openImagePool } from "./open-image-pool.js";

export interface LoopStorageOptions {
  readonly dataDir: string;
  readonly guestBinary: string;
  /** What lies below every disk. */
  readonly imageMounts: () => Promise<readonly ImageMount[]>;
  readonly log: Logger;
  /** See `createLoopDisks`. */
  readonly ready?: number | undefined;
}

export interface Storage {
  readonly disks: Disks;
  readonly snapshots: SnapshotDisks;
  readonly warnings: readonly string[];
  close(): Promise<void>;
}

/** Disks as images on loop devices, and snapshots beside them that share what did not change. */
export async function createLoopStorage(options: LoopStorageOptions): Promise<Storage> {
  const dataDir = await realpath(options.dataDir);
  await letWritersGoOn(options.guestBinary, dataDir);
  const { pool, copiesBecause } = await openImagePool({ dataDir, log: options.log });
  const disks = await createLoopDisks({ ...options, dataDir, pool });
  const snapshots = new LoopSnapshots({ ...options, dataDir, pool, disks });
  return {
    disks,
    snapshots,
    warnings:
      copiesBecause === undefined
        ? []
        : [`snapshots are whole copies here, for which writers wait: ${copiesBecause}`],
    async close() {
      await snapshots.close();
      await disks.close();
      await pool.close();
    },
  };
}
