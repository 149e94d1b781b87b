/** Time, so that rules about it can be tested without waiting. */
export interface Clock {
  now(): Date;
  /** Calls `wake` once after `ms`; the returned function calls it off. Does not keep the process alive. */
  after(ms: number, wake: () => void): () => void;
}
