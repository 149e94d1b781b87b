import type { ProcessEvent } from "../ports/runtime.js";

/**
 * A sandbox forgets a command's exit once it is asked for more, and who reads ahead asks early: not before the exit is
 * where it has to be.
 */
export class HeldExit {
  #letGo: () => void = () => undefined;
  readonly #whenLetGo = new Promise<void>((resolve) => (this.#letGo = resolve));

  async *of<E extends ProcessEvent>(events: AsyncIterable<E>): AsyncGenerator<E, void, undefined> {
    for await (const event of events) {
      yield event;
      if (event.kind === "exit") await this.#whenLetGo;
    }
  }

  /** It is, or its reader is gone. */
  letGo(): void {
    this.#letGo();
  }
}
