import { existsSync } from "node:fs";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import { RelayProcess } from "../lib/relay-process.js";
import type { Io } from "./io.js";

/** Beside the bundles. */
export const guestProgram = ({ self }: Pick<Io, "self">): string =>
  join(dirname(self[1] ?? ""), "..", "dist", "tenki-guest");

/** False where there is no such program, or no descriptors of our own. */
export const canRelay = (io: Io): boolean => io.descriptors !== undefined && existsSync(guestProgram(io));

/** Starts who passes bytes on in our place; undefined where nobody can. */
export function startRelay(
  io: Io,
  words: readonly string[],
  from: Socket,
  to: readonly (Socket | number)[],
): RelayProcess | undefined {
  return canRelay(io) ? RelayProcess.start([guestProgram(io), ...words], from, to) : undefined;
}
