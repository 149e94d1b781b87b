import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Server, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { takeOver } from "../../lib/taken-socket.js";
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
const sweepMs = 5_000;

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
  const lanes = new Set<PlainLane>();
  const handOver = (lane: PlainLane, socket: Socket, read: Buffer) => {
    lanes.delete(lane);
    socket.unshift(read);
    parse?.call(server, socket);
    socket.resume();
  };
  server.removeAllListeners("connection").on("connection", (accepted: Socket) => {
    const socket = takeOver(accepted);
    socket.on("error", () => socket.destroy());
    const lane = PlainLane.open(socket, { entrance, upstream, relays, idleMs: keepAliveMs, handOver });
    lanes.add(lane);
    socket.once("close", () => lanes.delete(lane));
  });
  // One timer for all: a timeout of each socket's own would be put off at every byte.
  const sweep = setInterval(() => {
    for (const lane of lanes) lane.endIfIdleSince(performance.now() - keepAliveMs);
  }, sweepMs).unref();
  server.once("close", () => clearInterval(sweep));
  return server;
}
