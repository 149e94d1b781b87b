import type { ProxyRequest } from "./entrance.js";

/**
 * Whether the service inside cannot take a request for another than the one that is asked of it. What HTTP/1.1's
 * parser lets pass is looked at here: two hosts, another host in the target, an encoding that would get lost, and
 * chunks in a version that has none.
 */
export function readsOneWay(request: ProxyRequest, host: string): boolean {
  if (request.httpVersionMajor !== 1) return true;
  return hasOneHost(request, host) && hasPlainEncoding(request);
}

function hasOneHost(request: ProxyRequest, host: string): boolean {
  const { rawHeaders, url = "" } = request;
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "host");
  if (hosts.length > 1) return false;
  const [, named] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url) ?? [];
  return named === undefined || named.toLowerCase() === host.toLowerCase();
}

function hasPlainEncoding({ headers, httpVersion }: ProxyRequest): boolean {
  const encoding = headers["transfer-encoding"];
  return encoding === undefined || (encoding.toLowerCase() === "chunked" && httpVersion === "1.1");
}
