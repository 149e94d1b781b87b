import { TenkiError } from "../../domain/error.js";
import { waitUntil } from "../../lib/wait-until.js";
import { findEngine } from "./find-engine.js";

/** One engine on one data directory: a second start says that the first runs, and where. */
export async function refuseSecondEngine(dataDir: string): Promise<void> {
  const running = await findEngine(dataDir);
  if (running === undefined) return;
  throw new TenkiError(
    "already_exists",
    `an engine runs on ${dataDir} already: ${running.endpoint}, pid ${running.pid}`,
    {
      hint: "tenki login --endpoint local, to use it; tenki engine restart; or another --data-dir",
    },
  );
}

const whereTimeoutMs = 10_000;

/** What a start failed for; where another start was faster, it is let say where it is. */
export async function explainRefusal(error: unknown, dataDir: string): Promise<never> {
  if (error instanceof TenkiError && error.kind === "already_exists") {
    await waitUntil(() => findEngine(dataDir), { timeoutMs: whereTimeoutMs });
    await refuseSecondEngine(dataDir);
  }
  throw error;
}
