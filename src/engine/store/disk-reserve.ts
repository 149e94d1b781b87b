import { rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const reserveBytes = 8 << 20;
/** Before it is made again, there has to be so much besides: else it would be what fills the disk. */
const roomBytes = 8 * reserveBytes;
const againMs = 5_000;

/** A file that is given up where the disk is full: with its room, things can be ended, which is what gives room back. */
export class DiskReserve {
  readonly #path: string;
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Makes it where it is not there; where there is no room, later. */
  hold(): void {
    clearTimeout(this.#timer);
    if (this.#isThere() || this.#make()) return;
    this.#timer = setTimeout(() => this.hold(), againMs);
    this.#timer.unref();
  }

  /** True where there was one, and so there is room now. */
  giveUp(): boolean {
    if (!this.#isThere()) return false;
    rmSync(this.#path, { force: true });
    this.hold();
    return true;
  }

  /** It stays for the next one. */
  close(): void {
    clearTimeout(this.#timer);
  }

  #isThere(): boolean {
    return statSync(this.#path, { throwIfNoEntry: false })?.size === reserveBytes;
  }

  #make(): boolean {
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#path));
      if (bavail * bsize < roomBytes) return false;
      writeFileSync(this.#path, Buffer.alloc(reserveBytes), { mode: 0o600 });
      return true;
    } catch {
      rmSync(this.#path, { force: true });
      return false;
    }
  }
}
