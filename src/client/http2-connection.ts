import * as http2 from "node:http2";
import { certificateList } from "./certificate-list.js";
import { ConnectionError, unreachable } from "./connection-error.js";
import { SandboxError } from "./errors.js";
import type { RootCertificates } from "./options/client.js";

/** Unread bytes a stream may hold; measured: more gains nothing on one machine, less throttles a distant one. */
const streamWindowBytes = 1 << 20;
const connectionWindowBytes = 16 << 20;
const connectTimeoutMs = 10_000;
const pingIntervalMs = 20_000;
const pingTimeoutMs = 15_000;

/**
 * One HTTP/2 connection to one origin: opened at the first request and again when it has gone,
 * pinged only while streams are open, and never what keeps the process alive when none is.
 */
export class Http2Connection {
  readonly authority: string;
  readonly #rootCertificates: RootCertificates | undefined;
  #session: Promise<http2.ClientHttp2Session> | undefined;
  #open: http2.ClientHttp2Session | undefined;
  #spokeHttp2 = false;
  #lastHeardAt = 0;
  #streams = 0;
  #pings: NodeJS.Timeout | undefined;

  constructor(origin: string, rootCertificates: RootCertificates | undefined) {
    this.authority = origin;
    this.#rootCertificates = rootCertificates;
  }

  /** Whether the other side has ever answered in HTTP/2. */
  spokeHttp2(): boolean {
    return this.#spokeHttp2;
  }

  async request(
    method: string,
    path: string,
    headers: http2.OutgoingHttpHeaders,
    options: http2.ClientSessionRequestOptions,
  ): Promise<http2.ClientHttp2Stream> {
    const session = await this.#ready();
    const stream = session.request({ ...headers, ":method": method, ":path": path }, options);
    breakOffWithoutEnd(stream);
    this.#streamOpened(session);
    stream.once("close", () => this.#streamClosed(session));
    return stream;
  }

  /** Called by the transport for every piece that was read. */
  notifyResponseByteRead(): void {
    this.#lastHeardAt = performance.now();
  }

  close(): void {
    clearInterval(this.#pings);
    const closed = new SandboxError("cancelled", "the client was closed");
    this.#open?.destroy(closed); // with an error, or the streams would never hear of it
    this.#session?.then(
      (session) => session.destroy(closed),
      () => undefined,
    );
  }

  async #ready(): Promise<http2.ClientHttp2Session> {
    const open = this.#open;
    if (open !== undefined && !open.closed && !open.destroyed) {
      if (this.#streams > 0 || performance.now() - this.#lastHeardAt < pingIntervalMs) return open;
      if (await this.#ping(open)) return open; // idle for long: a dead one is found out before the request is sent
    }
    this.#session ??= this.#connect().finally(() => (this.#session = undefined));
    return this.#session;
  }

  #connect(): Promise<http2.ClientHttp2Session> {
    return new Promise((resolve, reject) => {
      const session = http2.connect(this.authority, {
        settings: { initialWindowSize: streamWindowBytes, enablePush: false },
        maxSessionMemory: 1_000,
        ...(this.#rootCertificates === undefined ? {} : { ca: certificateList(this.#rootCertificates) }),
      });
      const timer = setTimeout(
        () => session.destroy(new Error(`no answer within ${connectTimeoutMs / 1000}s`)),
        connectTimeoutMs,
      );
      // Stays for good: a session may fail more than once, and an error that nobody hears ends the process.
      session.on("error", (error) => reject(unreachable(this.authority, error)));
      session.on("close", () => {
        clearTimeout(timer);
        if (this.#open === session) this.#open = undefined;
        reject(
          new ConnectionError(`cannot reach ${this.authority}: connection closed`, { requestSent: false }),
        );
      });
      session.once("remoteSettings", () => (this.#spokeHttp2 = true));
      session.once("connect", () => {
        clearTimeout(timer);
        session.setLocalWindowSize(connectionWindowBytes);
        session.unref();
        this.#open = session;
        this.#lastHeardAt = performance.now();
        resolve(session);
      });
    });
  }

  #streamOpened(session: http2.ClientHttp2Session): void {
    if (++this.#streams > 1) return;
    session.ref();
    clearInterval(this.#pings);
    this.#pings = setInterval(() => {
      if (performance.now() - this.#lastHeardAt < pingIntervalMs) return;
      void this.#ping(session);
    }, pingIntervalMs).unref();
  }

  #streamClosed(session: http2.ClientHttp2Session): void {
    if (--this.#streams > 0) return;
    clearInterval(this.#pings);
    if (!session.destroyed) session.unref();
  }

  /** False where there was no answer in time; the connection is gone then. */
  #ping(session: http2.ClientHttp2Session): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        session.destroy(new Error("keep-alive ping without an answer"));
        resolve(false);
      }, pingTimeoutMs);
      const settle = (alive: boolean) => {
        clearTimeout(timer);
        if (alive) this.#lastHeardAt = performance.now();
        resolve(alive);
      };
      if (session.destroyed || !session.ping((error) => settle(error === null))) settle(false);
    });
  }
}

/**
 * Node ends a request's body in order before it resets the stream, and a service would take what
 * it has by then for the whole: half a file for a file. So a stream that is given up skips its end.
 */
function breakOffWithoutEnd(stream: http2.ClientHttp2Stream): void {
  const skipEnd = () => {
    if (!stream.writableEnded) stream._final = (done) => done();
  };
  const close = stream.close.bind(stream);
  const destroy = stream.destroy.bind(stream);
  stream.close = (code, callback) => {
    if (code !== undefined && code !== http2.constants.NGHTTP2_NO_ERROR) skipEnd();
    close(code, callback);
  };
  stream.destroy = (error) => {
    skipEnd();
    return destroy(error);
  };
}
