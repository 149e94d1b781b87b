import { TenkiError } from "../../../domain/error.js";

const pattern = /^[^\s\p{C}]([^\p{C}]{0,62}[^\s\p{C}])?$/u;

/** Empty: it has none. */
export function checkSnapshotName(name: string): string {
  if (name === "" || pattern.test(name)) return name;
  throw new TenkiError(
    "invalid_argument",
    `name "${name.slice(0, 80)}" is not valid: up to 64 characters without line breaks, no space at its ends`,
  );
}
