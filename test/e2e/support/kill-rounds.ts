import { killEngine } from "./lose-machine.js";
import type { SnapshotBench } from "./snapshot-bench.js";

/** Something that an engine may be killed in the middle of. */
export interface Interrupted {
  readonly name: string;
  readonly words: readonly string[];
  /** What it needs. */
  readonly prepare?: () => Promise<unknown>;
}

/** How often the engine is killed in the middle of each operation: `TENKI_KILLS=20` for the long run. */
export const killsOfEach = Number(process.env["TENKI_KILLS"] ?? 1);

/** A client's start, and longer than any operation takes by itself. */
const [earliestMs, longestMs] = [150, 700];

/** Begins one operation after the other, kills the engine at a moment of its own, starts it anew, and has `look` look. */
export async function killInEach(
  bench: SnapshotBench,
  operations: readonly Interrupted[],
  look: (after: string) => Promise<void>,
): Promise<void> {
  const rounds = killsOfEach * operations.length;
  for (const [index, round] of spread(rounds).entries()) {
    const operation = operations[index % operations.length];
    if (operation === undefined) throw new Error("there is nothing to interrupt");
    await operation.prepare?.();
    const call = bench.tenki.call(operation.words, { timeoutMs: 60_000 });
    const afterMs = Math.round(earliestMs + (longestMs * round) / rounds);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await killEngine(bench.pid);
    await call;
    await bench.start();
    await look(`after ${operation.name}, killed at ${afterMs} ms`);
  }
}

/** Each number once, neighbours far from each other: so every operation has early and late moments. */
const spread = (count: number): number[] => {
  const step = Math.max(1, Math.round(count * 0.618));
  const isCoprime = (a: number, b: number): boolean => (b === 0 ? a === 1 : isCoprime(b, a % b));
  const stride = [step, step + 1, step + 2, 1].find((value) => isCoprime(value, count)) ?? 1;
  return Array.from({ length: count }, (_, index) => (index * stride) % count);
};
