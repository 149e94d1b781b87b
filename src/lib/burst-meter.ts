/** So much within so little time is worth a process of its own. */
const burstBytes = 4 << 20;
const burstMs = 2_000;

/** Tells when output comes thick. */
export class BurstMeter {
  #bytes = 0;
  #since = performance.now();

  /** True once in a burst: it begins again with the next call. */
  add(bytes: number): boolean {
    const now = performance.now();
    if (now - this.#since > burstMs) this.#begin(now);
    this.#bytes += bytes;
    if (this.#bytes < burstBytes) return false;
    this.#begin(now);
    return true;
  }

  #begin(now: number): void {
    this.#bytes = 0;
    this.#since = now;
  }
}
