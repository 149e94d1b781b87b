import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ExposedPort, PreviewLink } from "../domain/preview-url.js";
import type { ExposeTcpPortRequestSchema } from "../gen/tenki/engine/v1/port_pb.js";
import { exposedPortFromWire } from "./convert/preview-url.js";
import { dateFromWire, dateToWire } from "./convert/time.js";
import type { ExposePortOptions } from "./options/connections.js";
import { ifOffered } from "./if-offered.js";
import type { Rpc } from "./rpc.js";

/** Makes a port of a session reachable from outside, under a URL that opens from here. */
export async function exposePort(
  rpc: Rpc,
  sessionId: string,
  port: number,
  options: ExposePortOptions = {},
): Promise<ExposedPort> {
  const { ttlMs, slug, tcp } = options;
  const expiresAt = dateToWire(ttlMs === undefined ? undefined : new Date(Date.now() + ttlMs));
  if (tcp === true) return exposeTcpPort(rpc, { sessionId, port, expiresAt });
  return exposedPortFromWire(await rpc.sandbox("exposePort", { sessionId, port, expiresAt, slug }));
}

export async function unexposePort(rpc: Rpc, sessionId: string, port: number): Promise<void> {
  await rpc.sandbox("unexposePort", { sessionId, port });
}

export async function listExposedPorts(rpc: Rpc, sessionId: string): Promise<ExposedPort[]> {
  const { ports } = await rpc.sandbox("listExposedPorts", { sessionId });
  return ports.map(exposedPortFromWire);
}

/** A link that opens for whoever has it, and for nobody else. Default: for an hour. */
export async function openPreview(
  rpc: Rpc,
  sessionId: string,
  port: number,
  options: { readonly ttlMs?: number | undefined } = {},
): Promise<PreviewLink> {
  const { ttlMs } = options;
  const expiresAt = dateToWire(ttlMs === undefined ? undefined : new Date(Date.now() + ttlMs));
  const opened = await rpc.sandbox("openPreview", { sessionId, port, expiresAt });
  const { previewUrl, viewerToken } = opened;
  return { port, previewUrl, viewerToken, expiresAt: dateFromWire(opened.expiresAt) };
}

async function exposeTcpPort(
  rpc: Rpc,
  request: MessageInitShape<typeof ExposeTcpPortRequestSchema>,
): Promise<ExposedPort> {
  const lack = {
    says: "exposes ports that speak HTTP only",
    hint: "tenki sandbox forward reaches any port from here",
  };
  const { port, url, expiresAt } = await ifOffered(rpc, lack, () => rpc.ports("exposeTcpPort", request));
  return { port, previewUrl: url, expiresAt: dateFromWire(expiresAt) };
}
