import { formatGoDuration } from "../lib/go-duration.js";
import { waitUntil } from "../lib/wait-until.js";
import { SandboxError } from "./errors.js";

export interface Poll {
  /** Completes "waited for …". */
  readonly what: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Asks until there is an answer other than undefined; says what was waited for when the time is up. */
export async function pollUntil<T>(poll: Poll, probe: () => Promise<T | undefined>): Promise<T> {
  const { what, timeoutMs, signal } = poll;
  const answer = await waitUntil(probe, { timeoutMs, signal, intervalMs: 100 });
  if (answer !== undefined) return answer;
  throw new SandboxError("deadline_exceeded", `waited ${formatGoDuration(timeoutMs)} for ${what}`);
}
