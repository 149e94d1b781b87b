import { TenkiError } from "../../domain/error.js";
import { startDeadline } from "../../lib/deadline.js";
import { waitUntil } from "../../lib/wait-until.js";
import type { GuestLink } from "./guest/guest-link.js";

const answerTimeoutMs = 10_000;

/** Pid 1 listens before it is started, so that the first ping is usually answered. */
export async function untilGuestAnswers(link: GuestLink, signal: AbortSignal): Promise<void> {
  const deadline = startDeadline(answerTimeoutMs, signal);
  try {
    const answered = await waitUntil(() => isAnswered(link, deadline.signal), {
      timeoutMs: answerTimeoutMs,
      intervalMs: 2,
      signal: deadline.signal,
    });
    if (answered === true) return;
  } catch (error) {
    if (!deadline.expired()) throw error;
  } finally {
    deadline.clear();
  }
  throw new TenkiError("unavailable", `the sandbox started, but did not answer within ${answerTimeoutMs} ms`);
}

async function isAnswered(link: GuestLink, signal: AbortSignal): Promise<true | undefined> {
  try {
    await link.ping(signal);
    return true;
  } catch (error) {
    if (error instanceof TenkiError && error.kind === "unavailable") return undefined;
    throw error;
  }
}
