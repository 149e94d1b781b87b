/** How long a caller may take to say what it wants. */
export const firstFrameMs = 10_000;

/** The first of a caller's frames; undefined where it says nothing in time. */
export async function readFirstFrame<T>(
  frames: AsyncIterator<T>,
  timeoutMs: number,
): Promise<IteratorResult<T> | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>(
    (resolve) => (timer = setTimeout(() => resolve(undefined), timeoutMs)),
  );
  return Promise.race([frames.next(), silence]).finally(() => clearTimeout(timer));
}
