import type { Duplex } from "node:stream";
import { TenkiError } from "../../domain/error.js";
import type { Way } from "../core/ports/doors.js";
import { InsideConnection } from "./inside-connection.js";

/** Long enough for the next request of a page; services close theirs after about five seconds. */
const idleMs = 1_500;
const idleMax = 64;
/** At one time to one port. */
const connectionsMax = 2_048;
const dialTimeoutMs = 10_000;

interface Idle {
  readonly connection: InsideConnection;
  readonly sinceMs: number;
}

/** The connections from one door to the port that it leads to; they are kept for a moment after each request. */
export class Upstream {
  #key = "";
  /** The longest first. */
  readonly #idle: Idle[] = [];
  /** One for all of them: most are asked again long before it is time. */
  #sweeping: NodeJS.Timeout | undefined;
  readonly #streams = new Set<Duplex>();

  /** One that was used before, if there is one that leads there. */
  takeIdle(way: Way): InsideConnection | undefined {
    if (this.#key !== way.key) this.#dropIdle();
    this.#key = way.key;
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.connection.isFree) return idle.connection;
    }
    return undefined;
  }

  /** A new one. */
  async connect(way: Way): Promise<Duplex> {
    if (this.#streams.size >= connectionsMax) {
      throw new TenkiError(
        "resource_exhausted",
        `there are ${connectionsMax} connections to the port already`,
      );
    }
    const stream = await way.dial(AbortSignal.timeout(dialTimeoutMs));
    this.#streams.add(stream);
    stream.once("close", () => this.#streams.delete(stream));
    return stream;
  }

  /** Its request is answered: it is kept for the next, or let go of. */
  giveBack(connection: InsideConnection, way: Way): void {
    if (!connection.isFree || this.#key !== way.key || this.#idle.length >= idleMax) {
      connection.close();
      return;
    }
    this.#idle.push({ connection, sinceMs: performance.now() });
    this.#sweeping ??= setTimeout(() => this.#sweep(), idleMs).unref();
  }

  cut(): void {
    this.#dropIdle();
    for (const stream of this.#streams) stream.destroy();
  }

  #sweep(): void {
    this.#sweeping = undefined;
    const now = performance.now();
    while ((this.#idle[0]?.sinceMs ?? now) <= now - idleMs) this.#idle.shift()?.connection.close();
    const [oldest] = this.#idle;
    if (oldest === undefined) return;
    this.#sweeping = setTimeout(() => this.#sweep(), oldest.sinceMs + idleMs - now + 1).unref();
  }

  #dropIdle(): void {
    clearTimeout(this.#sweeping);
    this.#sweeping = undefined;
    for (const { connection } of this.#idle.splice(0)) connection.close();
  }
}
