import { existsSync } from "node:fs";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import { RelayProcess } from "../lib/relay-process.js";
import type { Io } from "./io.js";

/** Beside the bundles. */
export const guestProgram = ({ self }: Io): string =>
  join(dirname(self[1] ?? ""), "..", "dist", "tenki-guest");

/** Starts who passes on a burst in our place; undefined where there is no such program, or no descriptors of our own. */
export function startBurstRelay(
  io: Io,
  format: "lane" | "raw",
  from: Socket,
  to: readonly (Socket | number)[],
): RelayProcess | undefined {
  const program = guestProgram(io);
  if (io.descriptors === undefined || !existsSync(program)) return undefined;
  return RelayProcess.start([program, "pass", format], from, to);
}
