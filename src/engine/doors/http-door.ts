import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Server, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { BodyRelays } from "./body-relays.js";
import type { Entrance } from "./entrance.js";
import { PlainLane } from "./plain-lane.js";
import { proxy } from "./proxy.js";
import { proxyUpgrade } from "./proxy-upgrade.js";
import type { Upstream } from "./upstream.js";

/** As the engine's own port takes them. */
const headerBytes = 64 << 10;
const slowHeadersMs = 30_000;
const keepAliveMs = 75_000;

/** Takes HTTP/1.1, strictly: what could be read in two ways is refused. What is plain does not need a parser of all of HTTP. */
export function createHttpDoor(entrance: Entrance, upstream: Upstream, relays?: BodyRelays): Server {
  const server = createServer(
    {
      maxHeaderSize: headerBytes,
      headersTimeout: slowHeadersMs,
      requestTimeout: 0, // an upload takes as long as it takes
      keepAliveTimeout: keepAliveMs,
      insecureHTTPParser: false,
      noDelay: true,
    },
    (request: IncomingMessage, response: ServerResponse) => proxy(entrance, upstream, request, response),
  );
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    proxyUpgrade(entrance, upstream, request, socket, head),
  );
  const [parse] = server.listeners("connection");
  const handOver = (socket: Socket, read: Buffer) => {
    socket.unshift(read);
    parse?.call(server, socket);
    socket.resume();
  };
  server.removeAllListeners("connection").on("connection", (socket: Socket) => {
    socket.on("error", () => socket.destroy());
    PlainLane.open(socket, { entrance, upstream, relays, idleMs: keepAliveMs, handOver });
  });
  return server;
}
