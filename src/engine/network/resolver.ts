import { readFile } from "node:fs/promises";

/** systemd's own resolver listens on loopback and answers nobody else; whom it asks stands here. */
const resolvedUpstreams = "/run/systemd/resolve/resolv.conf";
const stub = "127.0.0.53";

/** The address of the host's resolver, to which sandboxes' questions about names are passed on. */
export async function findResolver(asked: readonly string[]): Promise<string | undefined> {
  if (asked.length > 0) return asked[0];
  const named = await nameserversIn("/etc/resolv.conf");
  if (named[0] !== stub) return named[0];
  return (await nameserversIn(resolvedUpstreams))[0] ?? stub;
}

async function nameserversIn(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  // IPv4 only, as the links are.
  return [...text.matchAll(/^\s*nameserver\s+(\d+\.\d+\.\d+\.\d+)\s*$/gm)].map(([, address = ""]) => address);
}

export const isLoopback = (address: string | undefined): boolean => address?.startsWith("127.") === true;
