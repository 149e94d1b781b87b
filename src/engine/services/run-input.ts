import type { TerminalSize } from "../../domain/command.js";
import type { GuestProcess } from "../core/ports/runtime.js";

/** What a caller sends to a command, whichever call it makes. */
export type InputFrame =
  | { readonly kind: "stdin"; readonly data: Uint8Array }
  | { readonly kind: "close" }
  | { readonly kind: "signal"; readonly name: string }
  | { readonly kind: "resize"; readonly size: TerminalSize };

export interface RunInputOptions {
  /** False: the command's input was at its end from the start. */
  readonly open: boolean;
  /** Who can say nothing more cannot close the input either: the end of what it says does. */
  readonly closesAtEnd: boolean;
}

/**
 * What a caller sends to its command. Input beyond what the command has taken is not read off the connection, so
 * a caller who keeps to no window is slowed down by the connection's own.
 */
export class RunInput {
  readonly #process: GuestProcess;
  readonly #options: RunInputOptions;
  #open: boolean;
  #window: number;
  #ended = false;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(process: GuestProcess, options: RunInputOptions) {
    this.#process = process;
    this.#options = options;
    this.#open = options.open;
    this.#window = process.stdinWindowBytes;
  }

  /** Ends with its frames; `onFailure` is called where those break off, or say what they cannot. */
  begin(frames: AsyncIterable<InputFrame>, onFailure: () => void): void {
    if (!this.#open && this.#options.closesAtEnd) this.#process.closeStdin();
    this.#pump(frames).catch((error: unknown) => {
      this.#failure = error;
      if (!this.#ended) onFailure();
    });
  }

  /** The command has taken so many bytes. */
  grant(bytes: number): void {
    this.#window += bytes;
    this.#wake?.();
  }

  /** The command is over. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #pump(frames: AsyncIterable<InputFrame>): Promise<void> {
    for await (const frame of frames) {
      if (this.#ended) return;
      await this.#take(frame);
    }
    if (this.#options.closesAtEnd) this.#close();
  }

  async #take(frame: InputFrame): Promise<void> {
    switch (frame.kind) {
      case "stdin":
        return this.#write(frame.data);
      case "close":
        return this.#close();
      case "signal":
        return this.#process.signal(frame.name);
      case "resize":
        return this.#process.resize(frame.size);
    }
  }

  async #write(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length && this.#open && !this.#ended;) {
      if (this.#window === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      const piece = data.subarray(at, at + this.#window);
      at += piece.length;
      this.#window -= piece.length;
      if (piece.length > 0 && !this.#ended) await this.#process.writeStdin(piece);
    }
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (!this.#ended) this.#process.closeStdin();
  }
}
