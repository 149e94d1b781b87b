/**
 * Stands in for the global `performance` in the command line's bundle: Node loads its whole performance API when that
 * one is first looked at, and no more than the clock is wanted.
 */
export const performance = {
  /** Milliseconds on a clock that never goes back. */
  now(): number {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1e3 + nanoseconds / 1e6;
  },
};
