import { isIP } from "node:net";
import { TenkiError } from "../../domain/error.js";

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port`; an IPv6 address stands in brackets. */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    throw new TenkiError("usage", `"${text}" is no address to listen on`, {
      hint: "host:port, as in 127.0.0.1:8365 or [::1]:0",
    });
  }
  return { host, port };
}

export const formatHost = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host);

/** Whether only this machine reaches it. */
export function isLoopbackHost(name: string): boolean {
  const host = name.replace(/^\[|\]$/g, "").toLowerCase();
  if (isIP(host) === 4) return host.startsWith("127.");
  return host === "::1" || host === "localhost" || host.endsWith(".localhost");
}
