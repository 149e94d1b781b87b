import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TenkiError } from "../../domain/error.js";
import type { Doors, DoorSpec } from "../core/ports/doors.js";
import { BodyRelays } from "./body-relays.js";
import type { Entrance, ProxyRequest } from "./entrance.js";
import { createHttpDoor } from "./http-door.js";
import { proxy, type ProxyResponse } from "./proxy.js";
import { proxyUpgrade } from "./proxy-upgrade.js";
import { createTcpDoor } from "./tcp-door.js";
import { Upstream } from "./upstream.js";

const connectionsMax = 4_096;

interface OpenDoor {
  readonly server: Server;
  readonly sockets: Set<Socket>;
  readonly upstream: Upstream;
}

/** A port of 127.0.0.1 for each door. */
export class LoopbackDoors implements Doors {
  readonly #doors = new Map<string, OpenDoor>();
  readonly #relays: BodyRelays | undefined;

  /** `guestBinary`: what large bodies are passed on by; default: by this process. */
  constructor(guestBinary?: string) {
    this.#relays = guestBinary === undefined ? undefined : new BodyRelays(guestBinary);
  }

  async open(spec: DoorSpec, wantedPort = 0): Promise<number> {
    const upstream = new Upstream();
    const server =
      spec.protocol === "tcp" ? createTcpDoor(spec, upstream) : createHttpDoor(spec, upstream, this.#relays);
    server.maxConnections = connectionsMax;
    const sockets = new Set<Socket>();
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
    const port = await listen(server, wantedPort);
    this.#doors.set(spec.id, { server, sockets, upstream });
    return port;
  }

  cut(id: string): void {
    const door = this.#doors.get(id);
    door?.upstream.cut();
    for (const socket of door?.sockets ?? []) socket.destroy();
  }

  close(id: string): void {
    this.#doors.get(id)?.server.close();
    this.cut(id);
    this.#doors.delete(id);
  }

  /** The same as through the door's own port, for who came by a name. */
  handle(entrance: Entrance, request: ProxyRequest, response: ProxyResponse): void {
    proxy(entrance, this.#upstream(entrance.id), request, response);
  }

  handleUpgrade(entrance: Entrance, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    proxyUpgrade(entrance, this.#upstream(entrance.id), request, socket, head);
  }

  /** Of a door that is not there nothing is let through: what this returns is not used. */
  #upstream(id: string): Upstream {
    return this.#doors.get(id)?.upstream ?? new Upstream();
  }
}

/** On a port that is taken it falls back to one that is free. */
async function listen(server: Server, wantedPort: number): Promise<number> {
  for (const port of wantedPort === 0 ? [0] : [wantedPort, 0]) {
    try {
      server.listen({ host: "127.0.0.1", port });
      await once(server, "listening");
      server.on("error", () => undefined); // not to get a connection must not end the engine
      return (server.address() as AddressInfo).port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || port === 0) throw noDoor(error);
    }
  }
  throw noDoor(undefined);
}

const noDoor = (cause: unknown): TenkiError =>
  new TenkiError("resource_exhausted", "no port of this machine is free to expose it on", { cause });
