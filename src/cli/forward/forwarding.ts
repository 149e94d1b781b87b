import { setMaxListeners } from "node:events";
import type { Server, Socket } from "node:net";
import type { Session } from "../../client/index.js";
import { formatByteSize } from "../../lib/byte-size.js";
import { formatGoDuration } from "../../lib/go-duration.js";
import type { Context } from "../context.js";
import { type ForwardSpec, type LocalEnd, localText, remoteText } from "./forward-spec.js";
import { breakOff, joinStreams } from "./join-streams.js";
import { listenHere } from "./listen-here.js";

/** What listens here, and each connection's way into the session. */
export class Forwarding {
  readonly #session: Session;
  readonly #ctx: Context;
  readonly #servers: Server[] = [];
  readonly #connections = new Set<Socket>();
  #count = 0;

  constructor(session: Session, ctx: Context) {
    this.#session = session;
    this.#ctx = ctx;
    setMaxListeners(0, ctx.signal); // every connection listens
  }

  async listen(spec: ForwardSpec, suggest: (instead: LocalEnd) => string): Promise<void> {
    this.#servers.push(await listenHere(spec.local, (local) => void this.#serve(local, spec), suggest));
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const local of this.#connections) breakOff(local);
  }

  async #serve(local: Socket, spec: ForwardSpec): Promise<void> {
    const name = `connection ${++this.#count}: ${localText(spec.local)} -> ${remoteText(spec.remote)}`;
    const beganAt = performance.now();
    const { signal } = this.#ctx;
    this.#connections.add(local);
    local.once("close", () => this.#connections.delete(local));
    local.on("error", () => undefined); // it may leave before there is anywhere to go
    try {
      const inside = await this.#session.connect(spec.remote, { signal });
      this.#tell(`${name}: open`);
      const { sent, received, error } = await joinStreams(local, inside);
      const took = formatGoDuration(Math.round(performance.now() - beganAt));
      const how = error === undefined ? "closed" : `broke off (${error.message})`;
      const bytes = `${formatByteSize(sent)} in, ${formatByteSize(received)} out`;
      this.#tell(`${name}: ${how} after ${took}, ${bytes}`);
    } catch (error) {
      breakOff(local);
      if (!signal.aborted)
        await this.#ctx.note(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #tell(line: string): void {
    if (this.#ctx.common.verbose) void this.#ctx.warn(line).catch(() => undefined);
  }
}
