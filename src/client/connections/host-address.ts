import { SandboxError } from "../errors.js";

export interface HostAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, with brackets around an IPv6 address. */
export function readHostAddress(text: string): HostAddress {
  const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new SandboxError(
      "invalid_argument",
      `not an address to tunnel to: ${text} (host:port, as in localhost:5432)`,
    );
  }
  return { host, port };
}

export const joinHostPort = (host: string, port: number): string =>
  `${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
