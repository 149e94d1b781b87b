import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { canBeTaken } from "../../lib/taken-stream.js";
import { isPlainSocket, type OpenFrame, type RelayEnd, type RelayProcess } from "../../lib/relay-process.js";
import { type BodyReader, createBodyReader } from "./body-reader.js";
import { type AnswerHead, malformed, parseAnswerHead } from "./answer-head.js";

/** Who asked; told in this order: `head`, `piece`s, and `end` or, at any time, `failed`. */
export interface Asker {
  readonly method: string;
  head(answer: AnswerHead): void;
  /** They are there for the time of the call only. False: no more until `resume`. */
  piece(bytes: Buffer): boolean;
  /** This was all for the moment. False: no more until `resume`. */
  flush(): boolean;
  end(): void;
  failed(error: Error): void;
}

const headMax = 64 << 10;
/** A longer one is read anew each time: what a guest says is not to fill the engine's memory. */
const keptMax = 4 << 10;
const nothing: Buffer = Buffer.alloc(0);
const emptyLine = Buffer.from("\r\n\r\n");

/** An HTTP/1.1 connection to a service inside: one request at a time, and again. */
export class InsideConnection {
  readonly stream: Duplex;
  /** How many requests it was asked before this one. */
  asked = 0;
  /** It takes more of a request's body, after `stream` had taken enough. */
  onDrain: (() => void) | undefined;
  #asker: Asker | undefined;
  #head: Buffer = nothing;
  /** A service says much the same each time, but for the second: what was made of it serves again. */
  #last: { readonly text: string; readonly method: string; readonly answer: AnswerHead } | undefined;
  #body: BodyReader | undefined;
  #staysOpen = false;

  constructor(stream: Duplex) {
    this.stream = stream;
    if (canBeTaken(stream)) stream.taker = (chunk) => this.#read(chunk);
    stream.on("data", (chunk: Buffer) => this.#read(chunk));
    stream.on("drain", () => this.onDrain?.());
    stream.on("end", () => this.#ended());
    stream.on("error", (error) => this.#fail(error));
    stream.on("close", () => this.#fail(malformed("none came")));
  }

  /** Whether it can be asked (again). */
  get isFree(): boolean {
    return this.#asker === undefined && this.#staysOpen && !this.stream.destroyed;
  }

  /** Sends the head of a request; its body, if any, goes into `stream`. */
  ask(head: string, asker: Asker): void {
    this.#asker = asker;
    this.#staysOpen = false;
    this.onDrain = undefined;
    this.stream.resume();
    this.stream.write(head, "latin1");
  }

  resume(): void {
    this.stream.resume();
  }

  /** The body is worth another process, and the connection can be given to one. */
  get isLarge(): boolean {
    return this.#body?.isLarge === true && isPlainSocket(this.stream);
  }

  /** Reads no more once `start` has given the socket to somebody else; what was received by then has been told. */
  handOver(start: (from: Socket) => RelayProcess | undefined): RelayProcess | undefined {
    if (!isPlainSocket(this.stream)) return undefined;
    this.stream.pause();
    while (this.stream.read() !== null); // to whoever hears of `data`
    return start(this.stream);
  }

  /** Where somebody else would go on; undefined where nobody can. */
  get open(): OpenFrame | undefined {
    return this.#body?.open;
  }

  /** How far somebody else came. */
  passedOn({ passed, why }: RelayEnd): void {
    const [asker, body] = [this.#asker, this.#body];
    if (asker === undefined || body === undefined || why === "not_started") return;
    if (why !== "boundary") {
      this.#fail(malformed("it is not whole"));
      return;
    }
    body.skip(passed);
    if (body.isWhole) this.#finish(asker, true); // what comes behind it, if anything, nobody has seen
  }

  close(): void {
    this.#asker = undefined;
    this.stream.destroy();
  }

  #read(chunk: Buffer): void {
    const asker = this.#asker;
    try {
      if (asker === undefined)
        this.stream.destroy(); // nobody asked
      else if (this.#body === undefined) this.#readHead(asker, chunk);
      else this.#readBody(asker, this.#body, chunk);
      if (asker !== undefined && asker === this.#asker && !asker.flush()) this.stream.pause();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #readHead(asker: Asker, chunk: Buffer): void {
    const seen = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    const end = seen.indexOf(emptyLine, Math.max(0, this.#head.length - 3));
    if (end < 0) {
      if (seen.length > headMax) throw malformed("its head is too long");
      this.#head = seen === chunk ? Buffer.from(chunk) : seen;
      return;
    }
    this.#head = nothing;
    const answer = this.#parse(seen.toString("latin1", 0, end + 2), asker.method);
    const rest = seen.subarray(end + 4);
    if (answer.status === 101) throw malformed("nobody asked for another protocol");
    if (answer.status < 200) {
      if (rest.length > 0) this.#readHead(asker, rest); // only a word ahead of the answer
      return;
    }
    this.#staysOpen = answer.staysOpen;
    const body = createBodyReader(answer.body);
    this.#body = body;
    asker.head(answer);
    if (answer.body.kind === "none") this.#finish(asker, rest.length > 0);
    else if (rest.length > 0) this.#readBody(asker, body, rest);
  }

  #parse(text: string, method: string): AnswerHead {
    if (this.#last?.text === text && this.#last.method === method) return this.#last.answer;
    const answer = parseAnswerHead(text, method);
    this.#last = text.length > keptMax ? undefined : { text, method, answer };
    return answer;
  }

  #readBody(asker: Asker, body: BodyReader, chunk: Buffer): void {
    const behind = body.read(chunk, (piece) => {
      if (!asker.piece(piece)) this.stream.pause();
    });
    if (behind !== undefined) this.#finish(asker, behind > 0);
  }

  #finish(asker: Asker, isMore: boolean): void {
    this.#asker = undefined;
    this.#body = undefined;
    this.asked += 1;
    if (isMore) this.#staysOpen = false; // nobody asked for that
    asker.end();
  }

  #ended(): void {
    const asker = this.#asker;
    if (asker !== undefined && this.#body?.isWhole === true) this.#finish(asker, false);
    else this.#fail(malformed("it is not whole"));
    this.stream.destroy();
  }

  #fail(error: Error): void {
    const asker = this.#asker;
    this.#asker = undefined;
    this.#staysOpen = false;
    this.stream.destroy();
    asker?.failed(error);
  }
}
