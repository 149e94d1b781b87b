import { open, rm, stat, statfs, truncate } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Logger } from "../../lib/logger.js";
import { runProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import { mountUsage } from "./mount-usage.js";
import type { PoolPlace } from "./pool-file.js";

const MiB = 2 ** 20;
/** Left to the host: for what the pool writes of its own accord, and for whoever else fills the disk between two looks. */
export const reserveBytes = 256 * MiB;
/** Smaller differences are not worth a call. */
const coarseness = 32 * MiB;
const lookEveryMs = 5_000;

/**
 * A file in the pool that is reserved and never written, so that it takes nothing of the host: as large as what the
 * pool believes to be free and the host has not. So the pool is full before the host is, and says so to whoever writes
 * to it; were the host full first, the pool's own tables could not be written.
 */
export class PoolBallast {
  readonly #place: PoolPlace;
  readonly #file: string;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #settling: Promise<void> | undefined;

  constructor(place: PoolPlace, log: Logger) {
    this.#place = place;
    this.#file = join(place.mountPoint, "ballast");
    this.#log = log;
  }

  /** Looks at once, and from time to time. */
  async start(): Promise<void> {
    await this.settle();
    this.#timer = setInterval(() => {
      this.settle().catch((error: unknown) =>
        this.#log.warn("the pool of disks could not be held to the host's room", { error: String(error) }),
      );
    }, lookEveryMs);
    this.#timer.unref();
  }

  /** Makes it as large as it has to be now. */
  settle(): Promise<void> {
    this.#settling ??= this.#settle().finally(() => (this.#settling = undefined));
    return this.#settling;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#settling?.catch(() => undefined);
  }

  async #settle(): Promise<void> {
    // Where the pool is not mounted, what lies there is the host's.
    if ((await mountUsage(this.#place.mountPoint)) === undefined) return;
    const [host, pool] = await Promise.all([
      statfs(dirname(this.#place.file)),
      statfs(this.#place.mountPoint),
    ]);
    const held = await stat(this.#file).then(
      ({ blocks }) => blocks * 512,
      () => 0,
    );
    const room = Math.max(0, host.bavail * host.bsize - reserveBytes);
    const wanted = Math.max(0, Math.floor((pool.bavail * pool.bsize + held - room) / MiB) * MiB);
    if (Math.abs(wanted - held) < coarseness) return;
    if (wanted < held) await truncate(this.#file, wanted);
    else await this.#reserve(held, wanted);
  }

  /** As much of it as the pool gives away: it keeps something for its own tables, and says no to all at once. */
  async #reserve(held: number, wanted: number): Promise<void> {
    await (await open(this.#file, "a", 0o600)).close();
    let size = held;
    for (let more = wanted - size; more >= MiB; more = Math.min(more, wanted - size)) {
      if (await this.#grow(size, more)) size += more;
      else more = Math.floor(more / 2);
    }
  }

  /** False where there is no room for it. XFS wants as much room as it is asked for, also where that is the file's already. */
  async #grow(from: number, bytes: number): Promise<boolean> {
    const range = ["--offset", String(from), "--length", String(bytes)];
    try {
      await runProcess(["fallocate", ...range, this.#file], {
        env: { ...systemEnvironment },
      });
      return true;
    } catch (error) {
      if (/no space left/i.test(String(error))) return false;
      await rm(this.#file, { force: true });
      throw error;
    }
  }
}
