import { setTimeout as sleep } from "node:timers/promises";

export interface WaitUntilOptions {
  readonly timeoutMs: number;
  /** The first pause; it grows by half each time, up to 20 times as long. Default 5 ms. */
  readonly intervalMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Asks `probe` until it answers something other than undefined; undefined when the time is up. */
export async function waitUntil<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  options: WaitUntilOptions,
): Promise<T | undefined> {
  const first = options.intervalMs ?? 5;
  const end = performance.now() + options.timeoutMs;
  for (let pause = first; ; pause = Math.min(pause * 1.5, first * 20)) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (performance.now() >= end) return undefined;
    await sleep(pause, undefined, { signal: options.signal });
  }
}
