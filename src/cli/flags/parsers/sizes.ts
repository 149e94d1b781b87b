import { parseByteSize } from "../../../lib/byte-size.js";
import type { Parser } from "./parser.js";

/** Bytes. */
export const size: Parser<number> = {
  noun: "size",
  expected: "a number with its unit, like 500MB, 10GB or 10GiB",
  read: parseByteSize,
};

/** Bytes, more than none. */
export const positiveSize: Parser<number> = {
  ...size,
  expected: "more than 0, like 500MB, 10GB or 10GiB",
  read: (word) => size.read(word) || undefined,
};

const volumeBounds = { min: 2 ** 20, max: 100 * 2 ** 30 };

/** Bytes. */
export const volumeSize: Parser<number> = {
  noun: "size",
  expected: "1MiB to 100GiB, with the unit, like 500MB or 10GiB",
  read(word) {
    const bytes = parseByteSize(word) ?? 0;
    return bytes >= volumeBounds.min && bytes <= volumeBounds.max ? bytes : undefined;
  },
};
