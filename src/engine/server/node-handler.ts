import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { universalRequestFromNodeRequest } from "@connectrpc/connect-node";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { sendResponse, type NodeResponse } from "./send-response.js";

export type NodeHandler = (request: IncomingMessage | Http2ServerRequest, response: NodeResponse) => void;

/** Serves each handler at its path; a path that is no method is a plain 404. */
export function createNodeHandler(
  handlers: readonly UniversalHandler[],
  onFailure: (path: string, error: unknown) => void,
): NodeHandler {
  const byPath = new Map(handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    const path = request.url?.split("?", 1)[0] ?? "";
    const handler = byPath.get(path);
    if (handler === undefined) {
      response.writeHead(404, { "content-type": "text/plain" });
      response.end("no such method\n");
      return;
    }
    const answer = async () => {
      const universal = universalRequestFromNodeRequest(request, response, undefined, undefined);
      await sendResponse(await handler(universal), response);
    };
    answer().catch((error: unknown) => {
      onFailure(path, error);
      if ("stream" in response) response.stream.close(2);
      else response.destroy();
    });
  };
}
