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
