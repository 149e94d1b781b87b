export interface StreamEnd {
  /** What is thrown in place of what was. */
  readonly failed?: (error: unknown) => unknown;
  /** Called once, however it ended; without an error where its reader let go. */
  readonly ended?: (error?: unknown) => void;
}

/** Passes a stream on, and has a word in how it ends. */
export async function* endingWith<T>(
  source: AsyncIterable<T>,
  { failed, ended }: StreamEnd,
): AsyncGenerator<T, void, undefined> {
  let reason: unknown;
  try {
    yield* source;
  } catch (error) {
    reason = failed === undefined ? error : failed(error);
    throw reason;
  } finally {
    ended?.(reason);
  }
}
