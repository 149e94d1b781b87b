import { TenkiError } from "../domain/error.js";
import { flag, optional } from "./flags/flag.js";
import { port } from "./flags/parsers/addresses.js";

/** A port of a session: an argument, or `--port`. */
export const portArgument = optional("PORT", "in the session", port);
export const portFlag = flag("PORT", "the same as the argument", port);

interface PortOptions {
  readonly number: number | undefined;
  readonly port: number | undefined;
}

export function portOf({ number, port: flagged }: PortOptions): number {
  if (number !== undefined && flagged !== undefined && number !== flagged) {
    throw new TenkiError("usage", `two ports are named: ${number} and ${flagged}`);
  }
  const named = number ?? flagged;
  if (named !== undefined) return named;
  throw new TenkiError("usage", "missing argument PORT");
}
