import { createDirectoryDisks } from "./directory-disks.js";
import { DirectorySnapshots, type DirectorySnapshotsOptions } from "./directory-snapshots.js";
import type { Storage } from "./loop-storage.js";

/** Disks as plain directories, and snapshots as copies of them. */
export function createDirectoryStorage(options: DirectorySnapshotsOptions): Storage {
  const disks = createDirectoryDisks(options);
  const snapshots = new DirectorySnapshots(options);
  return { disks, snapshots, warnings: [], close: () => disks.close() };
}
