import { createServer, type IncomingMessage, type Server } from "node:http";
import {
  createServer as createHttp2Server,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";
import type { NodeHandler } from "./node-handler.js";

/** How much of an upload may be on its way before the sandbox has taken any: per stream, per connection. */
const streamWindowBytes = 4 << 20;
const connectionWindowBytes = 16 << 20;
/** A client runs many commands over one connection; each is a stream. */
const streamsPerConnection = 4_096;
const headerBytes = 64 << 10;
/** What HTTP/2 may hold for one connection, in MB; above it streams are refused. */
const connectionMemoryMb = 256;
/** A connection that has had nothing to do for so long is closed. Clients close theirs earlier. */
const idleMs = 20 * 60_000;
const slowHeadersMs = 30_000;
const keepAliveMs = 75_000;

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** The HTTP/2 side; connections are handed to it, it does not listen. */
export class Http2Side {
  readonly #server: Http2Server;
  /** With the streams that are open in each. */
  readonly #sessions = new Map<ServerHttp2Session, Set<ServerHttp2Stream>>();

  constructor(handler: NodeHandler) {
    this.#server = createHttp2Server(
      {
        maxSessionMemory: connectionMemoryMb,
        settings: {
          initialWindowSize: streamWindowBytes,
          maxFrameSize: 1 << 20,
          maxConcurrentStreams: streamsPerConnection,
          maxHeaderListSize: headerBytes,
        },
      },
      handler,
    );
    this.#server.on("session", (session) => this.#adopt(session));
    this.#server.on("sessionError", () => undefined); // a broken connection is its client's matter
  }

  accept(socket: Duplex): void {
    this.#server.emit("connection", socket);
  }

  /** Takes no new streams; a connection ends with the last that is open. */
  drain(): void {
    for (const session of this.#sessions.keys()) session.close();
  }

  /** How many connections stay open only because their clients could say more about calls that are answered. */
  get answered(): number {
    return [...this.#sessions.values()].filter((streams) => [...streams].every(isAnswered)).length;
  }

  #adopt(session: ServerHttp2Session): void {
    const streams = new Set<ServerHttp2Stream>();
    this.#sessions.set(session, streams);
    session.setLocalWindowSize(connectionWindowBytes);
    session.on("stream", (stream) => {
      streams.add(stream);
      stream.once("close", () => streams.delete(stream));
    });
    session.setTimeout(idleMs, () => {
      if (streams.size === 0) session.close();
    });
    session.once("close", () => this.#sessions.delete(session));
  }
}

const isAnswered = (stream: ServerHttp2Stream): boolean => stream.sentTrailers !== undefined;

/** The HTTP/1.1 side, upgrades included. */
export class Http1Side {
  readonly #server: Server;

  constructor(handler: NodeHandler, upgrade: UpgradeHandler) {
    this.#server = createServer(
      {
        maxHeaderSize: headerBytes,
        headersTimeout: slowHeadersMs,
        requestTimeout: 0, // an upload takes as long as it takes
        keepAliveTimeout: keepAliveMs,
      },
      handler,
    );
    this.#server.on("upgrade", upgrade);
    // Watching over slow headers begins with this event, and listening is another server's part here.
    this.#server.emit("listening");
  }

  accept(socket: Duplex): void {
    this.#server.emit("connection", socket);
  }

  /** Ends connections as they fall idle. */
  drain(): void {
    this.#server.keepAliveTimeout = 1;
    this.#server.closeIdleConnections();
  }
}
