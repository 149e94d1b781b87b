import type { CallOptions } from "@connectrpc/connect";
import { startDeadline } from "../lib/deadline.js";
import { toCallError, type CallContext } from "./call-error.js";
import type { CallPlan, Rpc } from "./rpc.js";
import type { ServicesAt } from "./wire.js";

export type StreamStarter<T> = (
  at: ServicesAt,
  options: CallOptions,
) => AsyncIterable<T> | Promise<AsyncIterable<T>>;

/**
 * Starts a streaming call and waits for its first message, so that a refusal is an error of the
 * call. The plan's deadline bounds this opening alone: a stream itself may take as long as it takes.
 */
export function openStream<T>(rpc: Rpc, plan: CallPlan, start: StreamStarter<T>): Promise<OpenStream<T>> {
  return rpc.attempt(plan, async (at, { headers, timeoutMs }) => {
    const stop = new AbortController();
    const opening = startDeadline(timeoutMs ?? Number.MAX_SAFE_INTEGER, plan.signal);
    const abandon = () => stop.abort();
    opening.signal.addEventListener("abort", abandon, { once: true });
    if (opening.signal.aborted) abandon();
    try {
      const messages = await start(at, {
        ...(headers === undefined ? {} : { headers }),
        signal: stop.signal,
      });
      const iterator = messages[Symbol.asyncIterator]();
      const first = await iterator.next();
      return new OpenStream(first, iterator, stop, rpc.context({ ...plan, timeoutMs: 0 }, at));
    } catch (error) {
      stop.abort();
      throw error;
    } finally {
      opening.signal.removeEventListener("abort", abandon);
      opening.clear();
    }
  });
}

/** A stream that has begun. Whoever holds it reads it to its end or closes it. */
export class OpenStream<T> implements AsyncIterable<T> {
  #first: IteratorResult<T> | undefined;
  readonly #iterator: AsyncIterator<T>;
  readonly #stop: AbortController;
  readonly #context: CallContext;
  readonly #onAbort = () => this.close();

  constructor(
    first: IteratorResult<T>,
    iterator: AsyncIterator<T>,
    stop: AbortController,
    context: CallContext,
  ) {
    this.#first = first;
    this.#iterator = iterator;
    this.#stop = stop;
    this.#context = context;
    context.signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (context.signal?.aborted) this.close();
  }

  async next(): Promise<IteratorResult<T>> {
    try {
      const result = this.#first ?? (await this.#iterator.next());
      this.#first = undefined;
      if (result.done) this.#settle();
      return result;
    } catch (error) {
      this.#settle();
      throw toCallError(error, this.#context);
    }
  }

  /** Lets go: the service sees the call cancelled. */
  close(): void {
    this.#settle();
    this.#stop.abort();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (let result = await this.next(); !result.done; result = await this.next()) yield result.value;
    } finally {
      this.close();
    }
  }

  #settle(): void {
    this.#context.signal?.removeEventListener("abort", this.#onAbort);
  }
}
