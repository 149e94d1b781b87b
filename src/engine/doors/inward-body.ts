import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { isPlainSocket, type OpenFrame, type RelayEnd, RelayProcess } from "../../lib/relay-process.js";
import { type BodyReader, createBodyReader } from "./body-reader.js";
import type { BodyRelays } from "./body-relays.js";
import { InsideConnection } from "./inside-connection.js";
import type { RequestFraming } from "./plain-request.js";

export interface InwardBodyOptions {
  /** Where it comes from. What is read of it is told by `read`. */
  readonly socket: Socket;
  readonly framing: RequestFraming;
  /** Default: all of it is passed on here. */
  readonly relays: BodyRelays | undefined;
  /** The visitor has said all of it, and this besides; may be told within `read` and `sendTo`. */
  readonly over: (behind: Buffer) => void;
  /** Where it would go on nobody can tell any more. `malformed`: it is no body; `lost`: the service hung up within it. */
  readonly broken: (why: "malformed" | "lost") => void;
}

const nothing: Buffer = Buffer.alloc(0);

/** A request's body on its way from a visitor to a service, as fast as that takes it. */
export class InwardBody {
  readonly #options: InwardBodyOptions;
  readonly #reader: BodyReader;
  /** Nobody: it is for nobody, and only read to its end. */
  #to: InsideConnection | "nobody" | undefined;
  /** What came before there was somebody to send it to. */
  #early: Buffer = nothing;
  #relay: RelayProcess | "starting" | "none" | undefined;
  #isOver = false;

  constructor(options: InwardBodyOptions) {
    this.#options = options;
    this.#reader = createBodyReader(options.framing);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The visitor is read by somebody else, or is about to be. */
  get isRelayed(): boolean {
    return this.#relay !== undefined && this.#relay !== "none";
  }

  /** Its head has been said to this one: what has come by now goes right behind it. */
  sendTo(connection: InsideConnection): void {
    this.#to = connection;
    connection.onDrain = () => this.#listen();
    this.#readEarly();
  }

  /** The rest of it is for nobody. */
  drop(): void {
    if (this.#isOver || this.#to === "nobody") return;
    this.#to = "nobody";
    this.stop();
    this.#readEarly();
  }

  /** Idempotent. */
  stop(): void {
    if (this.#relay instanceof RelayProcess) this.#relay.stop();
  }

  /** It is there for the time of the call only. */
  read(chunk: Buffer): void {
    if (this.#to === undefined) {
      this.#early = Buffer.concat([this.#early, chunk]);
      this.#options.socket.pause();
      return;
    }
    const stream = this.#stream;
    stream?.cork();
    try {
      const behind = this.#reader.read(chunk, (piece) => this.#send(piece));
      if (behind !== undefined) this.#end(chunk.subarray(chunk.length - behind));
    } catch {
      this.#break("malformed");
    } finally {
      stream?.uncork();
    }
    if (this.#isOver || stream === undefined) return;
    if (this.#reader.isLarge && this.#relay === undefined) void this.#passOn();
    else if (stream.writableNeedDrain) this.#options.socket.pause();
  }

  get #stream(): Duplex | undefined {
    return this.#to instanceof InsideConnection && !this.#to.stream.destroyed ? this.#to.stream : undefined;
  }

  #readEarly(): void {
    const early = this.#early;
    this.#early = nothing;
    if (early.length > 0) this.read(early);
    this.#listen();
  }

  #listen(): void {
    if (!this.#isOver && !this.isRelayed) this.#options.socket.resume();
  }

  #send(piece: Buffer): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    const isChunked = this.#options.framing.kind === "chunked";
    if (isChunked) stream.write(`${piece.length.toString(16)}\r\n`, "latin1");
    stream.write(Buffer.from(piece));
    if (isChunked) stream.write("\r\n", "latin1");
  }

  #end(behind: Buffer): void {
    this.#isOver = true;
    if (this.#options.framing.kind === "chunked") this.#stream?.write("0\r\n\r\n", "latin1");
    if (this.#to instanceof InsideConnection) this.#to.onDrain = undefined;
    this.#options.over(behind);
  }

  #break(why: "malformed" | "lost"): void {
    this.#isOver = true;
    this.#options.broken(why);
  }

  /** Lets a process of its own pass on the rest: to touch a byte at all is what it costs here. */
  async #passOn(): Promise<void> {
    const { socket, relays } = this.#options;
    this.#relay = "starting";
    socket.pause();
    await setImmediate(); // what a stream does after it has handed something out would begin to read again
    while (socket.read() !== null); // to `read`, which sends it
    const { open } = this.#reader;
    const to = this.#to;
    if (!this.#isOver && open !== undefined && to instanceof InsideConnection && isPlainSocket(to.stream)) {
      const relay = relays?.start(socket, to.stream);
      this.#relay = relay ?? "none";
      if (relay !== undefined) this.#goOn(await turnOf(relay, open, to));
    } else this.#relay = undefined;
    this.#listen();
  }

  #goOn({ passed, why }: RelayEnd): void {
    this.#relay = why === "not_started" ? "none" : undefined;
    if (this.#isOver || why === "not_started") return;
    if (why === "boundary") {
      this.#reader.skip(passed);
      if (this.#reader.isWhole) this.#end(nothing);
    } else if (why === "target_closed" || (why === "failed" && this.#to === "nobody")) this.#break("lost");
    else this.#options.socket.destroy();
  }
}

async function turnOf(relay: RelayProcess, open: OpenFrame, to: InsideConnection): Promise<RelayEnd> {
  to.resume(); // the answer is heard all the same
  await new Promise((resolve) => to.stream.write("", resolve)); // and with it all that was written before
  const end = await relay.go(open);
  await relay.over;
  return end;
}
