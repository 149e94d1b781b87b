import type { ExposedPort } from "../domain/preview-url.js";
import { exposedPortFromWire } from "./convert/preview-url.js";
import { dateToWire } from "./convert/time.js";
import type { ExposePortOptions } from "./options.js";
import type { Rpc } from "./rpc.js";

/** Makes a port of a session reachable from outside, under a URL that opens from here. */
export async function exposePort(
  rpc: Rpc,
  sessionId: string,
  port: number,
  options: ExposePortOptions = {},
): Promise<ExposedPort> {
  const { ttlMs, slug } = options;
  const expiresAt = dateToWire(ttlMs === undefined ? undefined : new Date(Date.now() + ttlMs));
  return exposedPortFromWire(await rpc.sandbox("exposePort", { sessionId, port, expiresAt, slug }));
}

export async function unexposePort(rpc: Rpc, sessionId: string, port: number): Promise<void> {
  await rpc.sandbox("unexposePort", { sessionId, port });
}

export async function listExposedPorts(rpc: Rpc, sessionId: string): Promise<ExposedPort[]> {
  const { ports } = await rpc.sandbox("listExposedPorts", { sessionId });
  return ports.map(exposedPortFromWire);
}
