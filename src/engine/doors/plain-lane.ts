import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { RelayProcess } from "../../lib/relay-process.js";
import type { Way } from "../core/ports/doors.js";
import { type AnswerHead, outwardHead } from "./answer-head.js";
import type { BodyRelays } from "./body-relays.js";
import type { Entrance } from "./entrance.js";
import { type Asker, InsideConnection } from "./inside-connection.js";
import { pageFor, pageText, type Trouble } from "./pages.js";
import { type PlainHeaders, type PlainRequest, readPlainRequest } from "./plain-request.js";
import { plainLines } from "./request-head.js";
import { troubleOf } from "./trouble.js";
import type { Upstream } from "./upstream.js";

export interface PlainLaneOptions {
  readonly entrance: Entrance;
  readonly upstream: Upstream;
  /** Default: every body is passed on here. */
  readonly relays?: BodyRelays | undefined;
  /** What visitors are told: one who says nothing for so long is hung up on. */
  readonly idleMs: number;
  /** Goes on with a connection, with what was read of it and not served. */
  readonly handOver: (lane: PlainLane, socket: Socket, read: Buffer) => void;
}

/** A piece up to this size goes out with what stands before it, as one. */
const gatheredBytesMax = 16 << 10;

/**
 * One visitor's connection, for as long as what comes is plain: requests without a body that are whole, can be read in
 * one way only, and may pass. The first that is not is handed over, and all that follows with it. It makes no object
 * for a request that it can do without: most of a small request's time is spent beside the sockets.
 */
export class PlainLane implements Asker {
  method: PlainRequest["method"] = "GET";
  readonly #options: PlainLaneOptions;
  readonly #socket: Socket;
  readonly #address: string;
  /** What came ahead of its turn. */
  #waiting: Buffer | undefined;
  #current: { readonly request: PlainRequest; readonly way: Way } | undefined;
  /** What the last request said, and how that is said inside. */
  #said: PlainHeaders | undefined;
  #lines = "";
  #connection: InsideConnection | undefined;
  #done: (() => void) | undefined;
  #mayRepeat = false;
  /** Undefined: the answer has not begun. */
  #framing: AnswerHead["body"]["kind"] | undefined;
  #restingSinceMs = performance.now();
  /** Said, but not sent. */
  #text = "";
  /** What passes on the body of the answer, or is about to. */
  #relay: RelayProcess | "starting" | "none" | undefined;

  private constructor(socket: Socket, options: PlainLaneOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#address = socket.remoteAddress?.replace(/^::ffff:/, "") ?? "";
  }

  static open(socket: Socket, options: PlainLaneOptions): PlainLane {
    const lane = new PlainLane(socket, options);
    for (const [name, listener] of lane.#listeners) socket.on(name, listener);
    return lane;
  }

  /** Hangs up on a visitor who has said nothing since then. */
  endIfIdleSince(ms: number): void {
    if (this.#current === undefined && this.#restingSinceMs < ms) this.#socket.destroy();
  }

  readonly #listeners: readonly [string, (chunk: Buffer) => void][] = [
    ["data", (chunk) => this.#read(chunk)],
    ["drain", () => this.#isRelayed || this.#connection?.resume()],
    ["end", () => this.#end()],
    ["close", () => this.#close()],
  ];

  #read(chunk: Buffer): void {
    if (this.#current === undefined) this.#serve(chunk);
    else {
      this.#waiting = this.#waiting === undefined ? chunk : Buffer.concat([this.#waiting, chunk]);
      this.#socket.pause();
    }
  }

  #serve(chunk: Buffer): void {
    const { gate } = this.#options.entrance;
    const request = gate.isPrivate ? undefined : readPlainRequest(chunk, this.#said);
    const admission = request && gate.admit();
    if (request === undefined || admission?.admitted !== true) {
      this.#handOver(chunk);
      return;
    }
    if (request.bytes < chunk.length) {
      this.#waiting = chunk.subarray(request.bytes);
      this.#socket.pause();
    }
    const { way } = admission;
    this.#current = { request, way };
    this.method = request.method;
    const kept = this.#options.upstream.takeIdle(way);
    if (kept === undefined) void this.#askAfresh(request, way);
    else this.#ask(kept, request, way);
  }

  #ask(connection: InsideConnection, request: PlainRequest, way: Way): void {
    this.#connection = connection;
    this.#mayRepeat = connection.asked > 0;
    this.#done = way.begin();
    if (request.said !== this.#said) this.#lines = plainLines(request.said, this.#address);
    this.#said = request.said;
    connection.ask(`${request.method} ${request.target} HTTP/1.1\r\n${this.#lines}`, this);
  }

  async #askAfresh(request: PlainRequest, way: Way): Promise<void> {
    try {
      const connection = new InsideConnection(await this.#options.upstream.connect(way));
      if (this.#socket.destroyed) connection.close();
      else this.#ask(connection, request, way);
    } catch (error) {
      this.#answer(troubleOf(error));
    }
  }

  head(answer: AnswerHead): void {
    this.#framing = answer.body.kind;
    this.#text = outwardHead(answer, this.#options.idleMs);
  }

  piece(bytes: Buffer): boolean {
    const isFramed = this.#framing === "chunked" || this.#framing === "rest";
    if (isFramed) this.#text += `${bytes.length.toString(16)}\r\n`;
    if (bytes.length <= gatheredBytesMax) {
      this.#text += bytes.toString("latin1");
      if (isFramed) this.#text += "\r\n";
      return this.#text.length <= gatheredBytesMax || this.#say();
    }
    this.#socket.cork();
    this.#say();
    const isTaken = this.#socket.write(Buffer.from(bytes));
    if (isFramed) this.#text = "\r\n";
    this.#socket.uncork();
    return isTaken;
  }

  flush(): boolean {
    const isTaken = this.#say();
    if (this.#relay !== undefined || this.#connection?.isLarge !== true) return isTaken;
    void this.#passOn(this.#connection);
    return false;
  }

  #say(): boolean {
    const text = this.#text;
    this.#text = "";
    return text === "" || this.#socket.destroyed || this.#socket.write(text, "latin1");
  }

  /** Lets a process of its own pass on the rest of a large body: to touch a byte at all is what it costs here. */
  async #passOn(connection: InsideConnection): Promise<void> {
    this.#relay = "starting";
    await setImmediate(); // what a stream does after it has handed something out would begin to read again
    const relay = this.#startRelay(connection);
    this.#relay = relay;
    if (relay !== undefined) {
      this.#socket.resume(); // that the visitor goes away is heard all the same
      await new Promise((resolve) => this.#socket.write("", resolve)); // and with it all that was written before
      const open = this.#connection === connection ? connection.open : undefined;
      if (open === undefined) relay.stop();
      const end = open && (await relay.go(open));
      await relay.over;
      if (end !== undefined && this.#connection === connection) connection.passedOn(end);
    }
    const isCurrent = this.#connection === connection;
    this.#relay = isCurrent && relay === undefined ? "none" : undefined;
    if (isCurrent) connection.resume();
  }

  #startRelay(connection: InsideConnection): RelayProcess | undefined {
    const { relays } = this.#options;
    if (this.#connection !== connection || relays === undefined) return undefined;
    return connection.handOver((from) => relays.start(from, this.#socket));
  }

  get #isRelayed(): boolean {
    return this.#relay !== undefined && this.#relay !== "none";
  }

  end(): void {
    if (this.#framing === "chunked" || this.#framing === "rest") this.#text += "0\r\n\r\n";
    this.#say();
    const { way } = this.#current ?? {};
    if (way !== undefined && this.#connection !== undefined)
      this.#options.upstream.giveBack(this.#connection, way);
    this.#next();
  }

  failed(error: Error): void {
    const { request, way } = this.#current ?? {};
    this.#letGo();
    if (this.#framing !== undefined || request === undefined || way === undefined) this.#socket.destroy();
    else if (this.#mayRepeat) void this.#askAfresh(request, way);
    else this.#answer(troubleOf(error));
  }

  /** What the service inside does not answer itself. */
  #answer(trouble: Trouble): void {
    if (this.#socket.destroyed || this.#current === undefined) return;
    const { request, way } = this.#current;
    const page = pageFor(trouble, request.said.accept, way.port);
    this.#socket.write(pageText(page, "keep-alive", request.method));
    this.#next();
  }

  #next(): void {
    this.#letGo();
    this.#current = this.#framing = undefined;
    if (this.#relay === "none") this.#relay = undefined;
    const chunk = this.#waiting;
    this.#waiting = undefined;
    this.#restingSinceMs = performance.now();
    if (chunk === undefined) return;
    this.#socket.resume();
    this.#serve(chunk);
  }

  #letGo(): void {
    this.#done?.();
    this.#done = this.#connection = undefined;
  }

  #handOver(chunk: Buffer): void {
    const socket = this.#socket;
    for (const [name, listener] of this.#listeners) socket.off(name, listener);
    socket.pause();
    this.#options.handOver(this, socket, chunk);
  }

  /** Who has gone says no more than this at first: nobody is left for an answer. */
  #end(): void {
    if (this.#current === undefined) this.#socket.end();
    else this.#socket.destroy();
  }

  #close(): void {
    if (this.#relay instanceof RelayProcess) this.#relay.stop();
    this.#connection?.close();
    this.#letGo();
  }
}
