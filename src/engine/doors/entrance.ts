import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { Gate, Way } from "../core/ports/doors.js";
import type { Visitor } from "./forwarded-headers.js";
import type { Trouble } from "./pages.js";
import { readsOneWay } from "./reads-one-way.js";
import { readViewerCookie, takeViewerToken, writeViewerCookie } from "./viewer-cookie.js";

export type ProxyRequest = IncomingMessage | Http2ServerRequest;

/** A door that somebody stands at. */
export interface Entrance {
  readonly id: string;
  readonly gate: Gate;
}

export type Entry =
  | { readonly kind: "way"; readonly way: Way }
  | { readonly kind: "trouble"; readonly trouble: Trouble }
  /** The token is taken out of sight. */
  | { readonly kind: "redirect"; readonly location: string; readonly cookie: string };

/** What becomes of a request at a door. */
export function enter({ id, gate }: Entrance, request: ProxyRequest, visitor: Visitor): Entry {
  const brought = gate.isPrivate ? takeViewerToken(request.url ?? "") : undefined;
  const token = gate.isPrivate ? (brought?.token ?? readViewerCookie(id, request.headers.cookie)) : undefined;
  const admission = gate.admit(token);
  if (!readsOneWay(request, visitor.host)) return { kind: "trouble", trouble: "malformed" };
  if (!admission.admitted) return { kind: "trouble", trouble: admission.why };
  if (gate.isPrivate && !isOwnOrigin(request.headers.origin, visitor))
    return { kind: "trouble", trouble: "private" };
  if (brought === undefined) return { kind: "way", way: admission.way };
  const cookie = writeViewerCookie(id, brought.token, visitor.secure);
  return { kind: "redirect", location: brought.rest, cookie };
}

/** A page of another port has the cookie sent along, too: only the door's own pages may use it. */
const isOwnOrigin = (origin: string | undefined, { secure, host }: Visitor): boolean =>
  origin === undefined || origin === `${secure ? "https" : "http"}://${host}`;

export function visitorOf(request: ProxyRequest): Visitor {
  const { socket } = request;
  return {
    address: socket.remoteAddress?.replace(/^::ffff:/, "") ?? "",
    secure: "encrypted" in socket,
    host: hostOf(request),
  };
}

export const hostOf = (request: ProxyRequest): string =>
  ("authority" in request && request.authority) || (request.headers.host ?? "");
