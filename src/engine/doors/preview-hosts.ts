import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Entrance, ProxyRequest } from "./entrance.js";
import type { LoopbackDoors } from "./loopback-doors.js";
import type { ProxyResponse } from "./proxy.js";

/** What stands behind a name below the preview domain, on the engine's own port. */
export function previewHosts(
  previews: { gateOf(host: string | undefined): Entrance | undefined },
  doors: LoopbackDoors,
) {
  return {
    find(host: string | undefined) {
      const entrance = previews.gateOf(host);
      return (
        entrance && {
          handle: (request: ProxyRequest, response: ProxyResponse) =>
            doors.handle(entrance, request, response),
          handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) =>
            doors.handleUpgrade(entrance, request, socket, head),
        }
      );
    },
  };
}
