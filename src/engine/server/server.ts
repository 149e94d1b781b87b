import { setMaxListeners } from "node:events";
import { Code, ConnectError, type ServiceImplSpec } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import {
  createUniversalServiceHandlers,
  validateUniversalHandlerOptions,
} from "@connectrpc/connect/protocol";
import { createHandlerFactory as createConnectFactory } from "@connectrpc/connect/protocol-connect";
import { createHandlerFactory as createGrpcWebFactory } from "@connectrpc/connect/protocol-grpc-web";
import type { Logger } from "../../lib/logger.js";
import { authenticate, type AuthOptions, holdToSession } from "./auth.js";
import { convertErrors } from "./errors.js";
import { createLeanGrpcFactory } from "./lean-streams.js";
import { Listener, type ListenOptions } from "./listener.js";
import { createNodeHandler, type NodeHandler } from "./node-handler.js";
import { refuseForeignOrigins } from "./origin.js";
import { logRequests } from "./request-log.js";
import { createRoutesHandler, hostOf, type HostRoute, type HttpRoute } from "./routes.js";
import { announceRunLane, runLaneRoute } from "./run-lane.js";
import { createUpgradeHandler, type UpgradeRoute } from "./upgrades.js";
import { readRulesAhead, validateRequests } from "./validate.js";

export interface ServerOptions {
  readonly listen: ListenOptions;
  readonly auth: AuthOptions;
  /** What is served; a method that is left out answers `unimplemented`. */
  readonly services: readonly ServiceImplSpec[];
  readonly upgrades: readonly UpgradeRoute[];
  /** What is served besides the contract, in plain HTTP. Default: nothing. */
  readonly routes?: readonly HttpRoute[] | undefined;
  /** What is served instead of all that under other names. Default: nothing. */
  readonly hosts?: HostRoute | undefined;
  /** Calls that come earlier wait for it. */
  readonly ready: Promise<unknown>;
  readonly log: Logger;
}

export interface RunningServer {
  readonly url: string;
  /** Takes no new calls, lets those under way end, and cuts what is left after its graces. */
  stop(): Promise<void>;
}

/** One message; a file that is larger goes through the stream calls. */
const messageBytes = 64 << 20;
/** Everything is on one machine, or behind a proxy that compresses: the engine's time is better spent. */
const neverCompress = 0xffff_ffff;
/** How long calls may go on once the engine stops, and how long those that do not then have to end. */
const graceMs = 3_000;
const cutGraceMs = 2_000;

/** Serves the contract on one port. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // every call under way listens
  const { log } = options;
  const interceptors = createInterceptors(options.auth, log, options.listen.socketPath);
  const handlerOptions = validateUniversalHandlerOptions({
    interceptors,
    acceptCompression: [compressionGzip, compressionBrotli],
    compressMinBytes: neverCompress,
    readMaxBytes: messageBytes,
    shutdownSignal: stopping.signal,
  });
  const protocols = [
    createLeanGrpcFactory(handlerOptions),
    createGrpcWebFactory(handlerOptions),
    createConnectFactory(handlerOptions),
  ];
  const handlers = options.services.flatMap((spec) => createUniversalServiceHandlers(spec, protocols));
  const brokenOff = (path: string, error: unknown) =>
    log.debug("answer broken off", { method: path, reason: String(error) });
  const methods = createNodeHandler(handlers, brokenOff);
  const handler = createRoutesHandler(options.routes ?? [], methods, brokenOff);
  const answer: NodeHandler = (request, response) => {
    const host = options.hosts?.find(hostOf(request));
    if (host === undefined) handler(request, response);
    else host.handle(request, response);
  };
  const whenReady: NodeHandler = (request, response) =>
    void options.ready.then(() => answer(request, response)).catch(() => undefined);
  const { services, ready } = options;
  const lane = runLaneRoute({ services, ready, interceptors, shutdownSignal: stopping.signal });
  const upgrades = createUpgradeHandler([...options.upgrades, ...lane], options.hosts);
  const listener = await Listener.open(options.listen, whenReady, upgrades);
  setImmediate(readRulesAhead);
  return {
    url: listener.url,
    async stop() {
      await listener.drain(graceMs);
      stopping.abort(new ConnectError("the engine is stopping", Code.Unavailable));
      await listener.drain(cutGraceMs);
      listener.destroy();
    },
  };
}

/** From the outside in. */
export const createInterceptors = (auth: AuthOptions, log: Logger, socketPath?: string) => [
  logRequests(log),
  announceRunLane(socketPath),
  convertErrors(log),
  refuseForeignOrigins(),
  authenticate(auth),
  validateRequests(),
  holdToSession(),
];
