import { dirname, join } from "node:path";
import type { Io } from "./io.js";

/** Beside the bundles. */
export const guestProgram = ({ self }: Io): string =>
  join(dirname(self[1] ?? ""), "..", "dist", "tenki-guest");
