import type { ProcessEvent } from "../ports/runtime.js";

/** What is at least so large is passed on as it is. */
const largeBytes = 16 << 10;
/** How much may wait, and so what a gathered piece may come to. */
const waitingBytesMax = 128 << 10;

/**
 * Puts small pieces of output that follow each other into one: a command that writes a line at a time would cost a
 * message for each. Pieces are gathered for one turn of the event loop, never for a time, and large ones are not
 * copied.
 */
export async function* gatherOutput<E extends ProcessEvent>(
  events: AsyncIterable<E>,
): AsyncGenerator<E | OutputEvent, void, undefined> {
  const waiting = new WaitingEvents<E>();
  const filling = waiting.fill(events);
  filling.catch(() => undefined); // told at the end, after what came before it
  try {
    for (;;) {
      await waiting.some();
      if (waiting.mayGrow) await new Promise(setImmediate);
      const batch = waiting.takeAll();
      if (batch.length === 0) break;
      yield* mergeNeighbours(batch);
    }
    await filling;
  } finally {
    waiting.abandon();
  }
}

class WaitingEvents<E extends ProcessEvent> {
  #events: E[] = [];
  #bytes = 0;
  #ended = false;
  #abandoned = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  async fill(events: AsyncIterable<E>): Promise<void> {
    try {
      for await (const event of events) {
        this.#events.push(event);
        this.#bytes += sizeOf(event);
        this.#wakeReader?.();
        while (this.#bytes >= waitingBytesMax && !this.#abandoned) {
          await new Promise<void>((resolve) => (this.#wakeWriter = resolve));
        }
        if (this.#abandoned) return;
      }
    } finally {
      this.#ended = true;
      this.#wakeReader?.();
    }
  }

  /** Resolves when something waits, or nothing more will. */
  async some(): Promise<void> {
    while (this.#events.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wakeReader = resolve));
    }
  }

  /** Whether waiting a moment may spare a message. */
  get mayGrow(): boolean {
    return !this.#ended && this.#bytes < largeBytes && this.#events.every(isOutput);
  }

  takeAll(): E[] {
    const events = this.#events;
    this.#events = [];
    this.#bytes = 0;
    this.#wakeWriter?.();
    return events;
  }

  abandon(): void {
    this.#abandoned = true;
    this.#wakeWriter?.();
  }
}

type OutputEvent = Extract<ProcessEvent, { kind: "stdout" | "stderr" }>;

const isOutput = (event: ProcessEvent): event is OutputEvent =>
  event.kind === "stdout" || event.kind === "stderr";

const sizeOf = (event: ProcessEvent): number => (isOutput(event) ? event.data.length : 0);

function* mergeNeighbours<E extends ProcessEvent>(
  events: readonly E[],
): Generator<E | OutputEvent, void, undefined> {
  let run: OutputEvent[] = [];
  for (const event of events) {
    const [first] = run;
    const fits = first !== undefined && event.kind === first.kind && sizeOf(event) < largeBytes;
    if (!fits && run.length > 0) {
      yield merge(run);
      run = [];
    }
    if (isOutput(event) && sizeOf(event) < largeBytes) run.push(event);
    else yield event;
  }
  if (run.length > 0) yield merge(run);
}

function merge(run: readonly OutputEvent[]): OutputEvent {
  const [first] = run;
  if (first === undefined) throw new RangeError("nothing to put together");
  return run.length === 1 ? first : { kind: first.kind, data: Buffer.concat(run.map(({ data }) => data)) };
}
