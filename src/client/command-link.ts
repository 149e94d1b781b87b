import type { CommandExit, CommandOutput, TerminalSize } from "../domain/command.js";
import { AsyncQueue } from "../lib/async-queue.js";
import type { OpenStream } from "./open-stream.js";

/** What comes down from a command. */
export type CommandEvent =
  | CommandOutput
  /** So many more bytes of stdin may be sent. */
  | { readonly kind: "flow"; readonly bytes: number }
  | { readonly kind: "exit"; readonly exit: CommandExit };

/** A burst of output is there to be passed on by itself, behind what came before it. */
export interface OutputBurst {
  readonly kind: "burst";
  /** Once all before it was passed on; resolves with the bytes that have gone by. Has to be called. */
  pass(): Promise<number>;
}

/** What goes up to it. */
export type CommandFrame =
  | { readonly kind: "stdin"; readonly data: Uint8Array }
  | { readonly kind: "stdin_close" }
  /** By its name without SIG. */
  | { readonly kind: "signal"; readonly name: string }
  | { readonly kind: "resize"; readonly size: TerminalSize };

/** One stream to a command, whichever call it is of. Whoever holds it reads it to its end or closes it. */
export interface CommandLink {
  /** Undefined: the stream has ended. A burst only where the link was given an outlet for it. */
  next(): Promise<CommandEvent | OutputBurst | undefined>;
  /** Resolves when the transport has taken it: false where the stream ended before. */
  send(frame: CommandFrame): Promise<boolean>;
  /** Nothing more goes up. */
  end(): void;
  close(): void;
}

/** What goes up a stream, in order, one message at a time. */
export class Uplink<Up, Frame = CommandFrame> {
  readonly #queue = new AsyncQueue<Up>(0);
  readonly #encode: (frame: Frame) => Up;
  #sent: Promise<void> = Promise.resolve();

  constructor(first: Up, encode: (frame: Frame) => Up) {
    this.#encode = encode;
    void this.#push(first);
  }

  /** For the transport, once. */
  messages(): AsyncIterable<Up> {
    return this.#queue;
  }

  async send(frame: Frame): Promise<boolean> {
    await this.#push(this.#encode(frame));
    return !this.#queue.ended;
  }

  end(): void {
    this.#queue.end();
  }

  #push(message: Up): Promise<void> {
    this.#sent = this.#sent.then(() => this.#queue.push(message));
    return this.#sent;
  }
}

/** The two directions of one call put together. */
export function commandLink<Up, Down>(
  uplink: Uplink<Up>,
  stream: OpenStream<Down>,
  decode: (message: Down) => CommandEvent | undefined,
): CommandLink {
  return {
    async next() {
      for (let result = await stream.next(); !result.done; result = await stream.next()) {
        const event = decode(result.value);
        if (event !== undefined) return event;
      }
      return undefined;
    },
    send: (frame) => uplink.send(frame),
    end: () => uplink.end(),
    close() {
      uplink.end();
      stream.close();
    },
  };
}
