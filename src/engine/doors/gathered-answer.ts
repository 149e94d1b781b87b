import type { Socket } from "node:net";
import { type AnswerHead, outwardHead } from "./answer-head.js";

/** A piece up to this size goes out with what stands before it, as one. */
const gatheredBytesMax = 16 << 10;

/** What is said to one visitor, answer after answer, in as few pieces as it can be. */
export class GatheredAnswer {
  readonly #socket: Socket;
  /** Said, but not sent. */
  #text = "";
  #hasBegun = false;
  #isFramed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  head(answer: AnswerHead, keptMs: number): void {
    this.#hasBegun = true;
    this.#isFramed = answer.body.kind === "chunked" || answer.body.kind === "rest";
    this.#text = outwardHead(answer, keptMs);
  }

  /** They are not there any more once this returns. False: that was enough for the moment, as with `send`. */
  piece(bytes: Buffer): boolean {
    if (this.#isFramed) this.#text += `${bytes.length.toString(16)}\r\n`;
    if (bytes.length <= gatheredBytesMax) {
      this.#text += bytes.toString("latin1");
      if (this.#isFramed) this.#text += "\r\n";
      return this.#text.length <= gatheredBytesMax || this.send();
    }
    this.#socket.cork();
    this.send();
    const isTaken = this.#socket.write(Buffer.from(bytes));
    if (this.#isFramed) this.#text = "\r\n";
    this.#socket.uncork();
    return isTaken;
  }

  send(): boolean {
    const text = this.#text;
    this.#text = "";
    return text === "" || this.#socket.destroyed || this.#socket.write(text, "latin1");
  }

  end(): void {
    if (this.#isFramed) this.#text += "0\r\n\r\n";
    this.send();
    this.#hasBegun = this.#isFramed = false;
  }
}
