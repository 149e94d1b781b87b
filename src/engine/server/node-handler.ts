import { constants } from "node:http2";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { type NodeResponse, sendResponse } from "./send-response.js";
import { type NodeRequest, toUniversalRequest } from "./universal-request.js";

export type NodeHandler = (request: NodeRequest, response: NodeResponse) => void;

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
      refuse(response, 404, "no such method");
      return;
    }
    answer(handler, request, response).catch((error: unknown) => {
      onFailure(path, error);
      cutOff(response);
    });
  };
}

async function answer(
  handler: UniversalHandler,
  request: NodeRequest,
  response: NodeResponse,
): Promise<void> {
  // A single message shows by itself whether it is whole; of a stream of them any part could be all.
  const confirmEnd = handler.method.methodKind === "client_streaming";
  const universal = toUniversalRequest(request, response, { confirmEnd });
  if (universal === undefined) {
    refuse(response, 400, "the request names no host");
    return;
  }
  await sendResponse(await handler(universal), response);
  // What of the body nobody wanted must not stay in the connection's window.
  request.resume();
}

/** Lets the other side see that the answer is not whole. */
export function cutOff(response: NodeResponse): void {
  if ("stream" in response) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else response.destroy();
}

/** How long what is sent in vain is still taken, so that the answer is not lost to a reset. */
const lingerMs = 2_000;

/** Takes what is left of a body that nobody wants, for a moment, and then lets go of its sender. */
export function refuseBody(request: NodeRequest): void {
  if (request.complete) return;
  const timer = setTimeout(() => {
    if ("stream" in request) request.stream.close(constants.NGHTTP2_NO_ERROR);
    else request.socket.destroy();
  }, lingerMs).unref();
  request.once("end", () => clearTimeout(timer));
  request.once("close", () => clearTimeout(timer));
  request.resume();
}

/** Answers with a status and a short text. */
export function refuse(response: NodeResponse, status: number, text: string): void {
  const body = Buffer.from(`${text}\n`);
  response.writeHead(status, { "content-type": "text/plain", "content-length": body.length });
  response.end(body);
}
