import { TenkiError } from "../../domain/error.js";
import { findEngine } from "./find-engine.js";

/** One engine on one data directory: a second start says that the first runs, and where. */
export async function refuseSecondEngine(dataDir: string): Promise<void> {
  const running = await findEngine(dataDir);
  if (running === undefined) return;
  throw new TenkiError(
    "already_exists",
    `an engine runs on ${dataDir} already: ${running.endpoint}, pid ${running.pid}`,
    {
      hint: "tenki engine restart, or another --data-dir",
    },
  );
}
