import type { Socket } from "node:net";
import { RelayProcess } from "../../lib/relay-process.js";

/** At one time; whoever comes then is served here. */
const relaysMax = 16;

/** Processes that pass on large bodies from connections inside to visitors: to touch each byte is what costs here. */
export class BodyRelays {
  readonly #program: string;
  #running = 0;

  constructor(guestBinary: string) {
    this.#program = guestBinary;
  }

  start(from: Socket, to: Socket): RelayProcess | undefined {
    if (this.#running >= relaysMax) return undefined;
    const relay = RelayProcess.start([this.#program, "body"], from, [to]);
    if (relay === undefined) return undefined;
    this.#running += 1;
    void relay.over.then(() => (this.#running -= 1));
    return relay;
  }
}
