import { TenkiError } from "../../domain/error.js";
import { isSameProcess } from "../../lib/process-identity.js";
import { waitUntil } from "../../lib/wait-until.js";
import type { LocalEngine } from "./find-engine.js";

/** Long enough for streams to be drained; an engine that takes longer is stuck. */
const stopTimeoutMs = 30_000;

/** Asks the engine to stop serving and waits until its process is gone. Sessions are left as they are. */
export async function stopEngine(engine: LocalEngine): Promise<void> {
  const identity = { pid: engine.pid, startTicks: engine.pidStartTicks };
  if (!isSameProcess(identity)) return;
  process.kill(engine.pid, "SIGTERM");
  const gone = await waitUntil(() => (isSameProcess(identity) ? undefined : true), {
    timeoutMs: stopTimeoutMs,
  });
  if (gone === undefined) {
    throw new TenkiError("deadline_exceeded", `the engine (pid ${engine.pid}) did not stop within 30 s`, {
      hint: `kill -KILL ${engine.pid}`,
    });
  }
}
