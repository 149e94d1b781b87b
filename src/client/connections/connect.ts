import { Duplex } from "node:stream";
import type { ReadableStream, WritableStream } from "node:stream/web";
import type { DataPlane } from "../data-plane.js";
import type { DialOptions } from "../options/connections.js";
import { DialledStream } from "./dialled-stream.js";
import { openDial } from "./open-dial.js";
import { openDialPort } from "./open-dial-port.js";

/** What is reached inside: a port, or a unix socket. */
export type ConnectTarget = { readonly port: number } | { readonly unixSocketPath: string };

export interface DialStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** Half-closing works either way; what breaks off is an error, and destroying it is a reset inside. */
export async function connectInside(
  dataPlane: DataPlane,
  target: ConnectTarget,
  options: DialOptions = {},
): Promise<Duplex> {
  const link =
    "port" in target
      ? await openDialPort(dataPlane, target.port, options)
      : await openDial(dataPlane, target.unixSocketPath, options);
  return new DialledStream(link);
}

export async function dial(
  dataPlane: DataPlane,
  unixSocketPath: string,
  options?: DialOptions,
): Promise<DialStream> {
  return Duplex.toWeb(await connectInside(dataPlane, { unixSocketPath }, options));
}
