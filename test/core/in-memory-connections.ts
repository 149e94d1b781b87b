import type { Duplex } from "node:stream";
import { DialError, ListenError } from "../../src/domain/dial.js";
import type {
  DialTarget,
  GuestConnectionAccepted,
  GuestListener,
  GuestStream,
} from "../../src/engine/core/ports/runtime.js";
import { AsyncQueue } from "../../src/lib/async-queue.js";
import { streamPair } from "./stream-pair.js";

const firstFreePort = 40_000;

/** What listens inside an in-memory sandbox, and who reaches it. */
export class InMemoryConnections {
  readonly #servers = new Map<number | string, (stream: Duplex) => void>();
  readonly #listeners = new Map<number, AsyncQueue<GuestConnectionAccepted>>();
  readonly #open = new Set<Duplex>();

  /** A program inside that listens on a port or a socket's path. */
  serve(at: number | string, server: (stream: Duplex) => void): void {
    this.#servers.set(at, server);
  }

  dial(target: DialTarget): GuestStream {
    const at = "port" in target ? target.port : target.unixSocketPath;
    const server = this.#servers.get(at);
    if (server === undefined && typeof at === "string") {
      throw new DialError("path_denied", "path_denied: no such file or directory", { errno: 2 });
    }
    if (server === undefined) throw new DialError("refused", `nothing listens on port ${at}`, { errno: 111 });
    const [near, far] = this.#pair();
    server(far);
    return near;
  }

  listen({ address, port }: { readonly address: string; readonly port: number }): GuestListener {
    const chosen = port || firstFreePort + this.#listeners.size;
    if (this.#listeners.has(chosen)) {
      throw new ListenError(`cannot listen on ${address}:${chosen}: address already in use`);
    }
    const connections = new AsyncQueue<GuestConnectionAccepted>(100);
    this.#listeners.set(chosen, connections);
    return {
      address,
      port: chosen,
      connections,
      close: () => {
        if (this.#listeners.get(chosen) === connections) this.#listeners.delete(chosen);
        connections.end();
      },
    };
  }

  get listeningPorts(): number[] {
    return [...this.#listeners.keys()];
  }

  /** A program inside connects to what listens there for the engine. */
  connect(port: number): Duplex {
    const listener = this.#listeners.get(port);
    if (listener === undefined) throw new Error(`nothing listens on port ${port}`);
    const [near, far] = this.#pair();
    void listener.push({ stream: near, sourceAddress: "127.0.0.1:50000" });
    return far;
  }

  fail(error: Error): void {
    for (const stream of this.#open) stream.destroy(error);
    for (const listener of this.#listeners.values()) listener.end(error);
  }

  #pair(): [Duplex, Duplex] {
    const pair = streamPair();
    for (const stream of pair) {
      stream.on("error", () => undefined);
      stream.once("close", () => this.#open.delete(stream));
      this.#open.add(stream);
    }
    return pair;
  }
}
