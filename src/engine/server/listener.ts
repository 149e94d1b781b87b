import { chmod, rm } from "node:fs/promises";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { TenkiError } from "../../domain/error.js";
import { waitUntil } from "../../lib/wait-until.js";
import { Http1Side, Http2Side, type UpgradeHandler } from "./http-servers.js";
import { formatHost, isLoopbackHost, type ListenAddress } from "./listen-address.js";
import type { NodeHandler } from "./node-handler.js";
import { peekProtocol } from "./peek-protocol.js";

export interface ListenOptions extends ListenAddress {
  /** PEM. Absent: plain HTTP, on loopback only unless `insecure`. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  readonly insecure?: boolean | undefined;
  /** A unix socket for the same, unencrypted, for this user alone. Its directory is nobody else's. Default: none. */
  readonly socketPath?: string | undefined;
  /** How long a connection may take to say what it speaks. Default 10 s. */
  readonly greetingTimeoutMs?: number | undefined;
}

/** How long a client may take to close a connection in which all is answered. */
const farewellMs = 250;
const maxConnections = 8_192;

/** One port for HTTP/2 (by prior knowledge, or by ALPN under TLS), HTTP/1.1 and upgrades. */
export class Listener {
  readonly #server: Server;
  readonly #localServer: Server | undefined;
  readonly #sockets = new Set<Socket>();
  /** Those that have not said yet what they speak. */
  readonly #greeting = new Set<Socket>();
  readonly #http2: Http2Side;
  readonly #http1: Http1Side;
  readonly #greetingTimeoutMs: number;
  readonly #scheme: "http" | "https";
  readonly #host: string;

  private constructor(options: ListenOptions, handler: NodeHandler, upgrade: UpgradeHandler) {
    this.#http2 = new Http2Side(handler);
    this.#http1 = new Http1Side(handler, upgrade);
    this.#greetingTimeoutMs = options.greetingTimeoutMs ?? 10_000;
    this.#scheme = options.tls === undefined ? "http" : "https";
    this.#host = options.host;
    this.#server = options.tls === undefined ? this.#plainServer() : this.#tlsServer(options.tls);
    this.#localServer = options.socketPath === undefined ? undefined : this.#plainServer();
    for (const server of [this.#server, this.#localServer])
      if (server) server.maxConnections = maxConnections;
  }

  /** Resolves once connections are taken. A port that is taken is `failed_precondition`. */
  static async open(
    options: ListenOptions,
    handler: NodeHandler,
    upgrade: UpgradeHandler,
  ): Promise<Listener> {
    if (options.tls === undefined && options.insecure !== true && !isLoopbackHost(options.host)) {
      throw new TenkiError(
        "failed_precondition",
        `${options.host} can be reached by other machines, and nothing would be encrypted`,
        { hint: "give --tls-cert and --tls-key, or --insecure-listen where the network can be trusted" },
      );
    }
    const listener = new Listener(options, handler, upgrade);
    await listener.#listen(options);
    await listener.#listenLocally(options.socketPath);
    return listener;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `${this.#scheme}://${formatHost(this.#host)}:${port}`;
  }

  /** Takes no new connections or calls; resolves when those under way have ended, or `graceMs` have passed. */
  async drain(graceMs: number): Promise<void> {
    this.#server.close();
    this.#localServer?.close();
    for (const socket of this.#greeting) socket.destroy();
    this.#http2.drain();
    this.#http1.drain();
    const isAnswered = () => this.#sockets.size === this.#http2.answered || undefined;
    const isOver = () => this.#sockets.size === 0 || undefined;
    if (await waitUntil(isAnswered, { timeoutMs: graceMs }))
      await waitUntil(isOver, { timeoutMs: farewellMs });
  }

  /** Cuts what is left. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #plainServer(): Server {
    return createServer({ noDelay: true }, (socket) => {
      this.#track(socket);
      void this.#greet(socket);
    });
  }

  async #greet(socket: Socket): Promise<void> {
    this.#greeting.add(socket);
    const protocol = await peekProtocol(socket, this.#greetingTimeoutMs);
    this.#greeting.delete(socket);
    if (protocol === "h2") this.#http2.accept(socket);
    else if (protocol === "h1") this.#http1.accept(socket);
    else socket.destroy();
  }

  #tlsServer({ cert, key }: { cert: Buffer; key: Buffer }): Server {
    const options = {
      cert,
      key,
      noDelay: true,
      ALPNProtocols: ["h2", "http/1.1"],
      handshakeTimeout: this.#greetingTimeoutMs,
    };
    const server = createTlsServer(options, (socket) => {
      if (socket.alpnProtocol === "h2") this.#http2.accept(socket);
      else this.#http1.accept(socket);
    });
    server.on("connection", (socket) => this.#track(socket));
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    return server;
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined); // what it means for a call shows at the call
    socket.once("close", () => this.#sockets.delete(socket));
  }

  #listen({ host, port }: ListenAddress): Promise<void> {
    return new Promise((resolve, reject) => {
      // Stays for good: not to get a connection for want of descriptors must not end the engine.
      this.#server.on("error", (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
      this.#server.listen({ host, port }, resolve);
    });
  }

  /** In place of what an engine that was killed has left there. */
  async #listenLocally(path: string | undefined): Promise<void> {
    const server = this.#localServer;
    if (server === undefined || path === undefined) return;
    await rm(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.on("error", reject);
      server.listen({ path }, resolve);
    });
    await chmod(path, 0o600);
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): TenkiError {
  const where = `${formatHost(host)}:${port}`;
  const reasons: Record<string, string> = {
    EADDRINUSE: "the port is taken",
    EADDRNOTAVAIL: "this machine has no such address",
    EACCES: "the port is kept for root",
    ENOTFOUND: "the name is not known",
  };
  const reason = reasons[error.code ?? ""] ?? error.message;
  return new TenkiError("failed_precondition", `cannot listen on ${where}: ${reason}`, {
    cause: error,
    hint: "--listen 127.0.0.1:0 picks a free port",
  });
}
