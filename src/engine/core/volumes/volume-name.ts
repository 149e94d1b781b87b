import { TenkiError } from "../../../domain/error.js";

/** It stands before a colon in `name:/path`. */
const pattern = /^[^\s:/\p{C}]([^:/\p{C}]{0,62}[^\s:/\p{C}])?$/u;

export function checkVolumeName(name: string): string {
  if (pattern.test(name)) return name;
  throw new TenkiError(
    "invalid_argument",
    `name "${name.slice(0, 80)}" is not valid: up to 64 characters without ":", "/" and line breaks, no space at its ends`,
  );
}
