/** One place in the engine's address range: a link's name and its two addresses follow from its number. */
export interface Slot {
  readonly number: number;
  /** The name of the namespace, and of the link's end on the host; 15 characters at most. */
  readonly name: string;
  readonly hostAddress: string;
  readonly guestAddress: string;
}

/** A /20 holds so many links of two addresses each. */
export const slotsPerRange = 2_048;

export function slotOf(instanceId: string, range: string, number: number): Slot {
  const first = toNumber(range.split("/")[0] ?? "") + number * 2;
  return {
    number,
    name: `${linkPrefix(instanceId)}${number}`,
    hostAddress: toText(first),
    guestAddress: toText(first + 1),
  };
}

export const linkPrefix = (instanceId: string): string => `tk${instanceId}-`;

export function slotNumber(instanceId: string, name: string): number | undefined {
  const prefix = linkPrefix(instanceId);
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : "";
  return /^(0|[1-9]\d{0,3})$/.test(digits) && Number(digits) < slotsPerRange ? Number(digits) : undefined;
}

export interface Bounds {
  readonly first: number;
  readonly last: number;
}

/** The first and the last address of a range in CIDR form. */
export function boundsOf(range: string): Bounds {
  const [address = "", bits = "32"] = range.split("/");
  const size = 2 ** (32 - Number(bits));
  const first = Math.floor(toNumber(address) / size) * size;
  return { first, last: first + size - 1 };
}

const toNumber = (address: string): number =>
  address.split(".").reduce((value, part) => value * 256 + Number(part), 0);

const toText = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
