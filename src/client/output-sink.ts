/**
 * Takes one output of a command: keeps it for the result, until somebody asks for it as a stream;
 * from then on it goes there, at the reader's pace.
 */
export class OutputSink {
  #kept: Uint8Array[] = [];
  #stream: ReadableStream<Uint8Array> | undefined;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #wanted: (() => void) | undefined;
  #done = false;
  #failure: unknown;

  stream(): ReadableStream<Uint8Array> {
    this.#stream ??= new ReadableStream<Uint8Array>(
      {
        start: (controller) => this.#attach(controller),
        pull: () => this.#wanted?.(),
        cancel: () => {
          this.#controller = undefined;
          this.#done = true;
          this.#wanted?.();
        },
      },
      { highWaterMark: 1 },
    );
    return this.#stream;
  }

  async write(data: Uint8Array): Promise<void> {
    if (this.#stream === undefined) {
      this.#kept.push(data);
      return;
    }
    while (this.#controller !== undefined && (this.#controller.desiredSize ?? 0) <= 0) {
      await new Promise<void>((resolve) => (this.#wanted = resolve));
    }
    this.#controller?.enqueue(data);
  }

  /** Returns what was kept. */
  end(): Uint8Array {
    this.#done = true;
    this.#controller?.close();
    this.#controller = undefined;
    return Buffer.concat(this.#kept);
  }

  fail(error: unknown): void {
    this.#done = true;
    this.#failure = error;
    this.#controller?.error(error);
    this.#controller = undefined;
  }

  #attach(controller: ReadableStreamDefaultController<Uint8Array>): void {
    for (const data of this.#kept) controller.enqueue(data);
    if (this.#failure !== undefined) controller.error(this.#failure);
    else if (this.#done) controller.close();
    else {
      this.#kept = [];
      this.#controller = controller;
    }
  }
}
