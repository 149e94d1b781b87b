import { readFile } from "node:fs/promises";
import { isIPv4 } from "node:net";
import { TenkiError } from "../../domain/error.js";

/** systemd's own resolver hears the loopback link only, so nobody can be sent to it; whom it asks stands here. */
const resolvedUpstreams = "/run/systemd/resolve/resolv.conf";
const stub = "127.0.0.53";

/** The address of the host's resolver, to which sandboxes' questions about names are passed on. */
export async function findResolver(asked: readonly string[]): Promise<string | undefined> {
  if (asked.length > 0) return asked[0];
  const named = await nameserversIn("/etc/resolv.conf");
  if (named[0] !== stub) return named[0];
  return (await nameserversIn(resolvedUpstreams)).find((address) => address !== stub);
}

/** Rules take addresses only, and a wrong one would be found out when the first sandbox starts. */
export function requireAddresses(servers: readonly string[]): void {
  const wrong = servers.find((address) => !isIPv4(address));
  if (wrong === undefined) return;
  throw new TenkiError("invalid_argument", `${wrong} is no IPv4 address of a name server`, {
    hint: "sandboxes speak IPv4: give the server's IPv4 address",
  });
}

async function nameserversIn(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  // IPv4 only, as the links are.
  return [...text.matchAll(/^\s*nameserver\s+([\d.]+)\s*$/gm)]
    .map(([, address = ""]) => address)
    .filter((address) => isIPv4(address));
}

export const isLoopback = (address: string | undefined): boolean => address?.startsWith("127.") === true;
