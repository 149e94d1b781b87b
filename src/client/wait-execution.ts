import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionInfo } from "../domain/execution.js";
import { TenkiError } from "../domain/error.js";
import { startDeadline } from "../lib/deadline.js";
import { formatGoDuration } from "../lib/go-duration.js";
import { executionFromWire } from "./convert/execution.js";
import { SandboxError } from "./errors.js";
import type { WaitOptions } from "./options/waiting.js";
import type { Rpc } from "./rpc.js";

/** The service holds a call for as long; then it is asked again. */
const oneCallMs = 30_000;
/** A service that restarts is back by then, and the command has gone on. */
const mayBeAwayMs = 25_000;

/** Waits until a command has ended, over as many held calls as it takes. */
export async function waitExecution(
  rpc: Rpc,
  executionId: string,
  options: WaitOptions,
): Promise<ExecutionInfo> {
  const { timeoutMs, signal } = options;
  if (timeoutMs === undefined) return waitOn(rpc, executionId, signal);
  const deadline = startDeadline(timeoutMs, signal);
  try {
    return await waitOn(rpc, executionId, deadline.signal);
  } catch (error) {
    if (!deadline.expired()) throw error;
    const after = formatGoDuration(timeoutMs);
    throw new SandboxError("deadline_exceeded", `execution ${executionId} has not ended after ${after}`);
  } finally {
    deadline.clear();
  }
}

async function waitOn(
  rpc: Rpc,
  executionId: string,
  signal: AbortSignal | undefined,
): Promise<ExecutionInfo> {
  for (let failingSince: number | undefined; ;) {
    try {
      const execution = await heldCall(rpc, executionId, signal);
      if (execution !== undefined && execution.state !== "RUNNING") return execution;
      failingSince = undefined;
    } catch (error) {
      failingSince ??= performance.now();
      const isAway = error instanceof TenkiError && error.kind === "unavailable";
      if (!isAway || performance.now() - failingSince > mayBeAwayMs) throw error;
      await sleep(500, undefined, { signal });
    }
  }
}

/** Undefined where nothing was said in time. */
async function heldCall(
  rpc: Rpc,
  executionId: string,
  signal: AbortSignal | undefined,
): Promise<ExecutionInfo | undefined> {
  try {
    const { execution } = await rpc.execution(
      "waitExecution",
      { executionId },
      { timeoutMs: oneCallMs, signal },
    );
    return executionFromWire(execution);
  } catch (error) {
    const isLate = error instanceof TenkiError && error.kind === "deadline_exceeded";
    if (!isLate || signal?.aborted) throw error;
    return undefined;
  }
}
