import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { UpgradeHandler } from "./http-servers.js";
import { isAllowedOrigin } from "./origin.js";
import type { HostRoute } from "./routes.js";

/** What answers upgrades below a path. */
export interface UpgradeRoute {
  /** With its slash at the end. */
  readonly prefix: string;
  readonly handle: UpgradeHandler;
}

/** Finds the route of an upgrade; without one, or from a foreign web page, it is refused in plain HTTP. */
export function createUpgradeHandler(routes: readonly UpgradeRoute[], hosts?: HostRoute): UpgradeHandler {
  return (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => undefined); // nobody is left to tell
    const host = hosts?.find(request.headers.host);
    if (host !== undefined) {
      host.handleUpgrade(request, socket, head);
      return;
    }
    const route = routes.find(({ prefix }) => request.url?.startsWith(prefix));
    if (!isAllowedOrigin(request.headers.origin)) refuse(socket, "403 Forbidden", "foreign origin");
    else if (route === undefined) refuse(socket, "404 Not Found", "no such path");
    else route.handle(request, socket, head);
  };
}

/** Answers an upgrade with a status and a short text instead. */
export function refuse(socket: Duplex, status: string, text: string): void {
  const body = `${text}\n`;
  const head = [
    `HTTP/1.1 ${status}`,
    "content-type: text/plain",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
