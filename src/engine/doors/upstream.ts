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
  readonly timer: NodeJS.Timeout;
}

/** The connections from one door to the port that it leads to; they are kept for a moment after each request. */
export class Upstream {
  #key = "";
  readonly #idle: Idle[] = [];
  readonly #streams = new Set<Duplex>();

  /** One that was used before, if there is one that leads there. */
  takeIdle(way: Way): InsideConnection | undefined {
    if (this.#key !== way.key) this.#dropIdle();
    this.#key = way.key;
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      clearTimeout(idle.timer);
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
    const timer = setTimeout(() => connection.close(), idleMs);
    this.#idle.push({ connection, timer: timer.unref() });
  }

  cut(): void {
    this.#dropIdle();
    for (const stream of this.#streams) stream.destroy();
  }

  #dropIdle(): void {
    for (const { connection, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      connection.close();
    }
  }
}
