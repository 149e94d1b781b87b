import { existsSync } from "node:fs";
import { mkdir, realpath, rm, rmdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { formatByteSize } from "../../lib/byte-size.js";
import type { Logger } from "../../lib/logger.js";
import { waitUntil } from "../../lib/wait-until.js";
import { canCloneFiles } from "./clone-file.js";
import { isRoomy, isShort, noSpaceLeft, requireFreeSpace } from "./disk-space.js";
import { type ImagePool, makeKinds, openPlainPool } from "./image-pool.js";
import { syncFileSystem } from "./sync-file-system.js";
import { PoolBallast, reserveBytes } from "./pool-ballast.js";
import { makePoolFile, mountPoolFile, type PoolPlace, unmountPoolFile } from "./pool-file.js";

export interface OpenPoolOptions {
  readonly dataDir: string;
  readonly log: Logger;
}

export interface OpenedPool {
  readonly pool: ImagePool;
  /** Why images have to be copied whole. Default: they share what is in them. */
  readonly copiesBecause?: string | undefined;
}

const giveBackTimeoutMs = 5_000;

/** Below this the host has no room for a pool that is worth its own tables. */
const leastRoomBytes = 512 * 2 ** 20;

/**
 * Images where their copies share what is in them: on the data directory's own file system where that can, else on
 * one of the engine's in a file. Where there can be none, beside each other as files that are copied whole.
 */
export async function openImagePool({ dataDir, log }: OpenPoolOptions): Promise<OpenedPool> {
  const directory = await realpath(dataDir);
  const place: PoolPlace = { file: join(directory, "pool.img"), mountPoint: join(directory, "pool") };
  if (existsSync(place.file)) return { pool: await openPoolFile(place, log) };
  if (await canCloneFiles(directory)) return { pool: await openPlainPool(directory, true) };
  const copiesBecause = await tryToMake(place);
  if (copiesBecause === undefined) return { pool: await openPoolFile(place, log) };
  return { pool: await openPlainPool(directory, false), copiesBecause };
}

/** Why it could not be made. */
async function tryToMake(place: PoolPlace): Promise<string | undefined> {
  const { bavail, bsize } = await statfs(join(place.file, ".."));
  if (bavail * bsize < leastRoomBytes) return `there is less than ${formatByteSize(leastRoomBytes)} free`;
  try {
    await makePoolFile(place);
    await mkdir(place.mountPoint, { recursive: true, mode: 0o700 });
    await mountPoolFile(place);
    return undefined;
  } catch (error) {
    await rm(place.file, { force: true });
    await rmdir(place.mountPoint).catch(() => undefined);
    const reason = error instanceof Error ? (error.cause ?? error) : error;
    if (/ENOENT/.test(String(reason))) return "mkfs.xfs is missing";
    return reason instanceof Error ? reason.message : String(reason);
  }
}

async function openPoolFile(place: PoolPlace, log: Logger): Promise<ImagePool> {
  await mkdir(place.mountPoint, { recursive: true, mode: 0o700 });
  await mountPoolFile(place);
  await makeKinds(place.mountPoint);
  const directory = join(place.file, "..");
  await makeKinds(directory);
  const ballast = new PoolBallast(place, log);
  await ballast.start();
  const hasRoom = async () => {
    await ballast.settle();
    return (await isRoomy(directory, reserveBytes)) && (await isRoomy(place.mountPoint)) ? true : undefined;
  };
  // Deleting large files goes on in the background: what is not written down at the first time is at the next.
  const giveBack = async () => {
    const writeDown = () => syncFileSystem(place.mountPoint).catch(() => undefined); // it says what could not be written before
    await waitUntil(async () => (await writeDown(), hasRoom()), {
      timeoutMs: giveBackTimeoutMs,
      intervalMs: 100,
    });
  };
  return {
    roots: [place.mountPoint, directory],
    shares: true,
    isShort: async () => (await isShort(directory)) || (await isShort(place.mountPoint)),
    async requireRoom(trim) {
      if (!(await hasRoom())) await trim();
      // What was deleted is given back once the pool has written down that it was: sooner, where it is needed.
      if (!(await hasRoom())) await giveBack();
      await requireFreeSpace(directory, reserveBytes);
      if (!(await isRoomy(place.mountPoint))) throw noSpaceLeft(directory);
    },
    async close() {
      await ballast.stop();
      if (!(await unmountPoolFile(place))) log.info("the pool of disks stays mounted: sessions use it");
    },
  };
}
