/** The runtime's own timers fire at once when they are told more. */
const longestMs = 2 ** 31 - 1;

/** Calls `run` after `ms`, however long that is; returns what calls it off. */
export function startTimer(ms: number, run: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    timer = leftMs > longestMs ? setTimeout(wait, longestMs, leftMs - longestMs) : setTimeout(run, leftMs);
  };
  wait(ms);
  return () => clearTimeout(timer);
}
