import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest, Http2Session } from "node:http2";
import { isIP } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import { untilNothingFollows } from "./confirm-end.js";
import type { NodeResponse } from "./send-response.js";

export type NodeRequest = IncomingMessage | Http2ServerRequest;

/**
 * What the handlers take, made from Node's request; undefined where the request names no host. With `confirmEnd` the
 * body's end is believed only when it was not the beginning of the call's cancellation.
 */
export function toUniversalRequest(
  request: NodeRequest,
  response: NodeResponse,
  { confirmEnd }: { readonly confirmEnd: boolean },
): UniversalServerRequest | undefined {
  const scheme = "encrypted" in request.socket && request.socket.encrypted ? "https" : "http";
  const url = `${scheme}://${authorityOf(request)}${request.url ?? "/"}`;
  if (!URL.canParse(url)) return undefined;
  const { signal } = whenGone(request, response);
  return {
    httpVersion: request.httpVersion,
    method: request.method ?? "",
    url,
    header: toHeaders(request),
    body: readBody(request, signal, confirmEnd),
    signal,
  };
}

/** Node's HTTP/2 client leaves out the brackets of an IPv6 address. */
function authorityOf(request: NodeRequest): string {
  const authority = String(request.headers[":authority"] ?? request.headers.host ?? "");
  const [, address = "", port = ""] = /^([0-9a-f:.]+):(\d+)$/i.exec(authority) ?? [];
  return isIP(address) === 6 ? `[${address}]:${port}` : authority;
}

/** Aborts when the caller goes away, at once: also while nobody reads what it had sent before. */
function whenGone(request: NodeRequest, response: NodeResponse): AbortController {
  const gone = new AbortController();
  const session = "stream" in request ? request.stream.session : undefined;
  const abort = () => {
    if (!gone.signal.aborted) gone.abort(isLost(session) ? connectionLost() : callerGone());
  };
  if ("stream" in request) {
    request.stream.once("aborted", abort);
    request.stream.once("close", abort);
  } else {
    request.once("error", abort);
    response.once("close", abort);
  }
  // Request and cancellation may have come in one piece.
  if ("stream" in request ? request.stream.closed : response.destroyed) abort();
  return gone;
}

/**
 * A call that is cancelled leaves its connection alone. Node gives the streams of one that is lost the code of a
 * cancellation, so it is the socket that tells: it is gone before its streams are.
 */
const isLost = (session: Http2Session | undefined): boolean =>
  session !== undefined && (session.destroyed || session.socket.destroyed);

const connectionLost = () => new ConnectError("the connection to the caller was lost", Code.Unavailable);
const callerGone = () => new ConnectError("the caller went away", Code.Canceled);

/** To let go of the body leaves the call alone: it can still be answered. */
async function* readBody(
  request: NodeRequest,
  signal: AbortSignal,
  confirmEnd: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  if (confirmEnd && "stream" in request) await untilNothingFollows(request.stream.session);
  signal.throwIfAborted();
}

export function toHeaders(request: NodeRequest): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (name.startsWith(":") || value === undefined) continue;
    for (const line of Array.isArray(value) ? value : [value]) headers.append(name, line);
  }
  return headers;
}
