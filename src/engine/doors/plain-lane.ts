import type { Socket } from "node:net";
import { canBeTaken } from "../../lib/taken-stream.js";
import type { Way } from "../core/ports/doors.js";
import type { AnswerHead } from "./answer-head.js";
import { AnswerRelay } from "./answer-relay.js";
import type { BodyRelays } from "./body-relays.js";
import type { Entrance } from "./entrance.js";
import { GatheredAnswer } from "./gathered-answer.js";
import { type Asker, InsideConnection } from "./inside-connection.js";
import { InwardBody } from "./inward-body.js";
import { pageFor, pageText, type Trouble } from "./pages.js";
import { changesNothing, type PlainHeaders, type PlainRequest, readPlainRequest } from "./plain-request.js";
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

/**
 * One visitor's connection, for as long as what comes is plain: requests whose heads are whole, can be read in one way
 * only, and may pass. The first that is not is handed over, and all that follows with it. It makes no object
 * for a request that it can do without: most of a small request's time is spent beside the sockets.
 */
export class PlainLane implements Asker {
  method = "GET";
  readonly #options: PlainLaneOptions;
  readonly #socket: Socket;
  readonly #address: string;
  readonly #answer: GatheredAnswer;
  readonly #relay: AnswerRelay;
  /** What came ahead of its turn. */
  #waiting: Buffer | undefined;
  #current: { readonly request: PlainRequest; readonly way: Way } | undefined;
  /** What the last request said, and how that is said inside. */
  #said: PlainHeaders | undefined;
  #lines = "";
  #connection: InsideConnection | undefined;
  #done: (() => void) | undefined;
  #mayRepeat = false;
  /** Of the request, where it has one. */
  #body: InwardBody | undefined;
  /** The answer is whole; the request's body may not be. */
  #isAnswered = false;
  /** `after_answer`: where the next request begins nobody can tell. `now`: it has been hung up. */
  #leaves: "after_answer" | "now" | undefined;
  #restingSinceMs = performance.now();

  private constructor(socket: Socket, options: PlainLaneOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#answer = new GatheredAnswer(socket);
    this.#relay = new AnswerRelay(socket, options.relays);
    this.#address = socket.remoteAddress?.replace(/^::ffff:/, "") ?? "";
  }

  static open(socket: Socket, options: PlainLaneOptions): PlainLane {
    const lane = new PlainLane(socket, options);
    for (const [name, listener] of lane.#listeners) socket.on(name, listener);
    if (canBeTaken(socket)) socket.taker = (chunk) => lane.#read(chunk);
    return lane;
  }

  /** Hangs up on a visitor who has said nothing since then. */
  endIfIdleSince(ms: number): void {
    if (this.#current === undefined && this.#restingSinceMs < ms) this.#socket.destroy();
  }

  readonly #listeners: readonly [string, (chunk: Buffer) => void][] = [
    ["data", (chunk) => this.#read(chunk)],
    ["drain", () => this.#relay.isAtWork || this.#connection?.resume()],
    ["end", () => this.#end()],
    ["close", () => this.#close()],
  ];

  #read(chunk: Buffer): void {
    if (this.#leaves === "now") return;
    if (this.#current === undefined) this.#serve(chunk);
    else if (this.#body?.isOver === false) this.#body.read(chunk);
    else this.#wait(this.#waiting === undefined ? chunk : Buffer.concat([this.#waiting, chunk]));
  }

  #wait(chunk: Buffer): void {
    this.#waiting = Buffer.from(chunk);
    this.#socket.pause();
  }

  #serve(chunk: Buffer): void {
    const { gate } = this.#options.entrance;
    const request = gate.isPrivate ? undefined : readPlainRequest(chunk, this.#said);
    const admission = request && gate.admit();
    if (request === undefined || admission?.admitted !== true) {
      this.#handOver(chunk);
      return;
    }
    const { way } = admission;
    this.#current = { request, way };
    this.method = request.method;
    if (request.said.body !== undefined) this.#openBody(request.said, chunk.subarray(request.bytes));
    else if (request.bytes < chunk.length) this.#wait(chunk.subarray(request.bytes));
    const kept = this.#options.upstream.takeIdle(way);
    if (kept === undefined) void this.#askAfresh(request, way);
    else this.#ask(kept, request, way);
  }

  #ask(connection: InsideConnection, request: PlainRequest, way: Way): void {
    this.#connection = connection;
    this.#mayRepeat = connection.asked > 0 && changesNothing(request.method);
    this.#done = way.begin();
    if (request.said !== this.#said) this.#lines = plainLines(request.said, this.#address);
    this.#said = request.said;
    const head = `${request.method} ${request.target} HTTP/1.1\r\n${this.#lines}`;
    if (this.#body === undefined) connection.ask(head, this);
    else {
      connection.stream.cork();
      connection.ask(head, this);
      this.#body.sendTo(connection);
      connection.stream.uncork();
    }
  }

  #openBody({ body, isHeldBack }: PlainHeaders, begun: Buffer): void {
    if (body === undefined) return;
    const isAwaited = isHeldBack && begun.length === 0;
    if (isAwaited) this.#socket.write("HTTP/1.1 100 Continue\r\n\r\n");
    this.#body = new InwardBody({
      socket: this.#socket,
      framing: body,
      relays: this.#options.relays,
      over: (behind) => this.#bodyOver(behind),
      broken: (why) => this.#bodyBroken(why),
    });
    this.#body.read(begun);
  }

  #bodyOver(behind: Buffer): void {
    if (behind.length > 0) this.#wait(behind);
    else this.#socket.resume();
    if (this.#isAnswered) this.#finish();
  }

  #bodyBroken(why: "malformed" | "lost"): void {
    this.#leaves = "after_answer";
    if (why === "lost" && !this.#isAnswered) return; // an answer may be there all the same
    this.#connection?.close();
    if (this.#isAnswered) this.#finish();
    else if (this.#answer.hasBegun) this.#socket.destroy();
    else this.#refuse("malformed");
  }

  async #askAfresh(request: PlainRequest, way: Way): Promise<void> {
    try {
      const connection = new InsideConnection(await this.#options.upstream.connect(way));
      if (this.#socket.destroyed) connection.close();
      else this.#ask(connection, request, way);
    } catch (error) {
      this.#refuse(troubleOf(error));
    }
  }

  head(answer: AnswerHead): void {
    this.#answer.head(answer, this.#options.idleMs);
  }

  piece(bytes: Buffer): boolean {
    return this.#answer.piece(bytes);
  }

  flush(): boolean {
    const isTaken = this.#answer.send();
    return this.#body?.isOver === false ? isTaken : !this.#relay.takes(this.#connection) && isTaken;
  }

  end(): void {
    this.#answer.end();
    this.#isAnswered = true;
    if (this.#body?.isOver !== false) this.#finish();
    else if (!this.#body.isRelayed || this.#connection?.isFree !== true) {
      this.#connection?.close();
      this.#body.drop();
    } // else what passes it on tells when it is over, which may only not have been heard yet
  }

  failed(error: Error): void {
    const { request, way } = this.#current ?? {};
    const { hasBegun } = this.#answer;
    this.#letGo();
    if (hasBegun || request === undefined || way === undefined) this.#socket.destroy();
    else if (this.#mayRepeat) void this.#askAfresh(request, way);
    else this.#refuse(troubleOf(error));
  }

  /** What the service inside does not answer itself. */
  #refuse(trouble: Trouble): void {
    if (this.#socket.destroyed || this.#current === undefined) return;
    const { request, way } = this.#current;
    const page = pageFor(trouble, request.said.accept, way.port);
    this.#socket.write(pageText(page, this.#leaves === undefined ? "keep-alive" : "close", request.method));
    this.#isAnswered = true;
    if (this.#body?.isOver === false) this.#body.drop();
    else this.#finish();
  }

  /** The request and its answer are over. */
  #finish(): void {
    const { way } = this.#current ?? {};
    if (way !== undefined && this.#connection !== undefined)
      this.#options.upstream.giveBack(this.#connection, way);
    this.#letGo();
    this.#current = this.#body = undefined;
    this.#isAnswered = false;
    const chunk = this.#waiting;
    this.#waiting = undefined;
    this.#restingSinceMs = performance.now();
    if (this.#leaves !== undefined) this.#leave();
    else if (chunk !== undefined) {
      this.#socket.resume();
      this.#serve(chunk);
    }
  }

  /** What still comes is read and dropped: with bytes left unread, the answer would be lost on its way. */
  #leave(): void {
    this.#leaves = "now";
    this.#socket.end();
    this.#socket.resume();
  }

  #letGo(): void {
    this.#done?.();
    this.#done = this.#connection = undefined;
    this.#relay.letGo();
  }

  #handOver(chunk: Buffer): void {
    const socket = this.#socket;
    for (const [name, listener] of this.#listeners) socket.off(name, listener);
    if (canBeTaken(socket)) socket.taker = undefined;
    socket.pause();
    this.#options.handOver(this, socket, Buffer.from(chunk));
  }

  /** Who has gone says no more than this at first: nobody is left for an answer. */
  #end(): void {
    if (this.#current === undefined) this.#socket.end();
    else this.#socket.destroy();
  }

  #close(): void {
    this.#relay.stop();
    this.#body?.stop();
    this.#connection?.close();
    this.#letGo();
  }
}
