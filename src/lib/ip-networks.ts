import { isIPv4, isIPv6 } from "node:net";

/** An address as a number of 32 or 128 bits. */
interface Address {
  readonly bits: number;
  readonly value: bigint;
}

/** One name for a network, however it was written: `10.1.0.0/16`, or an address; undefined: it is neither. */
export function networkNameOf(text: string): string | undefined {
  const [, host = "", length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text.trim()) ?? [];
  const address = readAddress(host);
  const bits = Number(length ?? address?.bits);
  return address !== undefined && bits <= address.bits ? networkName(address, bits) : undefined;
}

/** The names of all networks that an address is in: the largest first, itself last. */
export function networkNamesAround(host: string): string[] {
  const address = readAddress(host);
  if (address === undefined) return [];
  return Array.from({ length: address.bits + 1 }, (_, bits) => networkName(address, bits));
}

const networkName = ({ bits, value }: Address, length: number): string =>
  `${bits}-${(value >> BigInt(bits - length)).toString(16)}-${length}`;

function readAddress(host: string): Address | undefined {
  const plain = host.replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/i, ""); // an IPv4 client of an IPv6 socket
  if (isIPv4(plain)) return { bits: 32, value: fromGroups(plain.split("."), 8n) };
  if (!isIPv6(plain)) return undefined;
  const [head = "", tail = ""] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split("::");
  const [first, last] = [head, tail].map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array<string>(8 - (first?.length ?? 0) - (last?.length ?? 0)).fill("0");
  const groups = [...(first ?? []), ...zeros, ...(last ?? [])].map((group) => `0x${group}`);
  return { bits: 128, value: fromGroups(groups, 16n) };
}

const fromGroups = (groups: readonly string[], bits: bigint): bigint =>
  groups.reduce((value, group) => (value << bits) | BigInt(group), 0n);
