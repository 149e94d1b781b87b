import { setTimeout as sleep } from "node:timers/promises";
import type { TenkiError } from "../domain/error.js";
import { ConnectionError } from "./connection-error.js";
import { DataPlaneNotReadyError } from "./errors.js";

/** Short and few: a service that restarts is back by then, one that is away is said to be so at once. */
const pausesMs = [50, 100, 200];

/**
 * Whether a failed call may be made again: always when the service never saw it, and when it
 * was unavailable only if doing it twice is the same as doing it once.
 */
export function mayRetry(error: TenkiError, idempotent: boolean, attempt: number): boolean {
  if (attempt >= pausesMs.length || error.kind !== "unavailable") return false;
  if (error instanceof DataPlaneNotReadyError) return false; // waits longer, in its own loop
  if (error instanceof ConnectionError) return error.retryable && (idempotent || !error.requestSent);
  return idempotent;
}

/** Waits before the next attempt: between half of its pause and all of it, so that callers spread. */
export async function pauseBefore(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  const pause = pausesMs[attempt] ?? 0;
  await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal });
}

/** What asks and changes nothing may be asked twice; a name that is not known here is not retried. */
export const isIdempotent = (method: string): boolean =>
  /^(get|list|whoAmI|resolve|stat|read|waitExecution|createSessionCredential)/.test(method);
