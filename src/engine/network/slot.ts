import { addressFromNumber, addressToNumber } from "../../domain/ipv4-network.js";

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
  const first = addressToNumber(range.split("/")[0] ?? "") + number * 2;
  return {
    number,
    name: `${linkPrefix(instanceId)}${number}`,
    hostAddress: addressFromNumber(first),
    guestAddress: addressFromNumber(first + 1),
  };
}

export const linkPrefix = (instanceId: string): string => `tk${instanceId}-`;

export function slotNumber(instanceId: string, name: string): number | undefined {
  const prefix = linkPrefix(instanceId);
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : "";
  return /^(0|[1-9]\d{0,3})$/.test(digits) && Number(digits) < slotsPerRange ? Number(digits) : undefined;
}
