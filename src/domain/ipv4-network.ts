export interface Bounds {
  readonly first: number;
  readonly last: number;
}

/** Neither the world nor anybody's: link-local (metadata services), other sandboxes, loopback, multicast. */
export const neverReached = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "198.19.0.0/16",
  "224.0.0.0/3",
] as const;

/** Networks behind somebody's own door, to which a name of the world's has no business to lead. */
export const privateNetworks = [
  "10.0.0.0/8",
  "100.64.0.0/10",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
] as const;

/** Four numbers without leading zeros, which some programs read as octal. */
export const isAddress = (text: string): boolean =>
  /^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text) &&
  text.split(".").every((part) => Number(part) <= 255);

/** The first and the last address of a range in CIDR form. */
export function boundsOf(range: string): Bounds {
  const [address = "", bits = "32"] = range.split("/");
  const size = 2 ** (32 - Number(bits));
  const first = Math.floor(addressToNumber(address) / size) * size;
  return { first, last: first + size - 1 };
}

/** Whether all of `inner` is in `outer`; an address is a network of one. */
export function liesWithin(inner: string, outer: string): boolean {
  const [small, large] = [boundsOf(inner), boundsOf(outer)];
  return large.first <= small.first && small.last <= large.last;
}

export const firstAddress = (range: string): string => addressFromNumber(boundsOf(range).first);

export const addressToNumber = (address: string): number =>
  address.split(".").reduce((value, part) => value * 256 + Number(part), 0);

export const addressFromNumber = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
