import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { RelayProcess } from "../../lib/relay-process.js";
import type { BodyRelays } from "./body-relays.js";
import type { InsideConnection } from "./inside-connection.js";

/** Lets a process of its own pass on the rest of a large answer: to touch a byte at all is what it costs here. */
export class AnswerRelay {
  readonly #socket: Socket;
  readonly #relays: BodyRelays | undefined;
  #asked: InsideConnection | undefined;
  /** `none`: there is none to be had for this answer. */
  #state: RelayProcess | "starting" | "none" | undefined;

  constructor(socket: Socket, relays: BodyRelays | undefined) {
    this.#socket = socket;
    this.#relays = relays;
  }

  /** The connection is read by somebody else, or is about to be. */
  get isAtWork(): boolean {
    return this.#state !== undefined && this.#state !== "none";
  }

  /** False: the answer goes on here. */
  takes(connection: InsideConnection | undefined): boolean {
    if (this.#state !== undefined || connection?.isLarge !== true) return false;
    this.#asked = connection;
    void this.#passOn(connection);
    return true;
  }

  /** The answer is over, or was given up. */
  letGo(): void {
    this.#asked = undefined;
    if (this.#state === "none") this.#state = undefined;
  }

  stop(): void {
    if (this.#state instanceof RelayProcess) this.#state.stop();
  }

  async #passOn(connection: InsideConnection): Promise<void> {
    this.#state = "starting";
    await setImmediate(); // what a stream does after it has handed something out would begin to read again
    const relay = this.#start(connection);
    this.#state = relay;
    if (relay !== undefined) {
      this.#socket.resume(); // that the visitor goes away is heard all the same
      await new Promise((resolve) => this.#socket.write("", resolve)); // and with it all that was written before
      const open = this.#asked === connection ? connection.open : undefined;
      if (open === undefined) relay.stop();
      const end = open && (await relay.go(open));
      await relay.over;
      if (end !== undefined && this.#asked === connection) connection.passedOn(end);
    }
    const isCurrent = this.#asked === connection;
    this.#state = isCurrent && relay === undefined ? "none" : undefined;
    if (isCurrent) connection.resume();
  }

  #start(connection: InsideConnection): RelayProcess | undefined {
    const relays = this.#relays;
    if (this.#asked !== connection || relays === undefined) return undefined;
    return connection.handOver((from) => relays.start(from, this.#socket));
  }
}
