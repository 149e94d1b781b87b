import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { cutOff, type NodeHandler } from "./node-handler.js";
import type { NodeResponse } from "./send-response.js";
import type { NodeRequest } from "./universal-request.js";

/** What answers plain requests below a path, over HTTP/1.1 and HTTP/2; whom it lets in is its own matter. */
export interface HttpRoute {
  /** With its slash at the end. */
  readonly prefix: string;
  /** Rejects where the answer broke off: the connection, or the stream, is then cut. */
  handle(request: NodeRequest, response: NodeResponse): Promise<void>;
}

/** What answers for some names of hosts, whatever the path; whom it lets in is its own matter. */
export interface HostRoute {
  /** Undefined where the host is none of its own. */
  find(host: string | undefined): HostHandler | undefined;
}

export interface HostHandler {
  handle(request: NodeRequest, response: NodeResponse): void;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** The host that a request names, in either version of HTTP. */
export const hostOf = (request: NodeRequest): string | undefined =>
  "authority" in request && request.authority !== "" ? request.authority : request.headers.host;

/** Requests go to the first route whose path they are below, and all others to `otherwise`. */
export function createRoutesHandler(
  routes: readonly HttpRoute[],
  otherwise: NodeHandler,
  onFailure: (path: string, error: unknown) => void,
): NodeHandler {
  return (request, response) => {
    const route = routes.find(({ prefix }) => request.url?.startsWith(prefix));
    if (route === undefined) {
      otherwise(request, response);
      return;
    }
    route.handle(request, response).catch((error: unknown) => {
      onFailure(route.prefix, error);
      cutOff(response);
    });
  };
}
