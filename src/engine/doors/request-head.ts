import type { ProxyRequest } from "./entrance.js";
import { headersInward, type RawHeaders, type Visitor } from "./forwarded-headers.js";
import type { PlainHeaders } from "./plain-request.js";

/** A request's first lines, as the service inside gets them. Undefined where they cannot be said in HTTP/1.1. */
export function requestHead(request: ProxyRequest, visitor: Visitor): string | undefined {
  const { method = "", url = "" } = request;
  if (!/^[A-Za-z-]+$/.test(method) || !/^[\x21-\x7e\x80-\xff]+$/.test(url)) return undefined;
  const headers = [...headersInward(request.rawHeaders, visitor), ...framing(request)];
  return headText(`${method} ${url}`, headers);
}

/** What stands below the first line of `requestHead`, for a visitor of a loopback port. */
export function plainLines({ headers, host, body }: PlainHeaders, address: string): string {
  const inward = headersInward(headers, { address, secure: false, host });
  return linesOf(body?.kind === "chunked" ? [...inward, "Transfer-Encoding", "chunked"] : inward);
}

const headText = (asked: string, headers: RawHeaders): string => `${asked} HTTP/1.1\r\n${linesOf(headers)}`;

function linesOf(headers: RawHeaders): string {
  let lines = "";
  for (let at = 0; at < headers.length; at += 2) lines += `${headers[at]}: ${headers[at + 1]}\r\n`;
  return `${lines}Connection: keep-alive\r\n\r\n`;
}

export function hasBody(request: ProxyRequest): boolean {
  if ("stream" in request && request.httpVersionMajor === 2) return !request.stream.endAfterHeaders;
  const { headers } = request;
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

export const isChunked = (request: ProxyRequest): boolean =>
  hasBody(request) && request.headers["content-length"] === undefined;

/** How the length of the body shows, where the request's own headers do not say so. */
function framing(request: ProxyRequest): string[] {
  if (request.headers["content-length"] !== undefined) return [];
  if (hasBody(request)) return ["Transfer-Encoding", "chunked"];
  return methodsWithBody.has(request.method ?? "") ? ["Content-Length", "0"] : [];
}

const methodsWithBody: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);
