import { setTimeout as sleep } from "node:timers/promises";
import { TenkiError } from "../domain/error.js";
import { startDeadline } from "../lib/deadline.js";
import { formatGoDuration } from "../lib/go-duration.js";
import { openAttach, type Attachment } from "./open-attach.js";
import type { Rpc } from "./rpc.js";
import { lostFor, type BreakPoint } from "./streamed-command.js";

/** The engine keeps a command whose caller is gone for 30 s. */
const giveUpAfterMs = 25_000;
const oneAttemptMs = 5_000;
const longestPauseMs = 1_000;

export interface LostCommand {
  readonly name: string;
  readonly sessionId?: string | undefined;
  readonly executionId: string;
}

/** How a command is found again after its stream broke off. */
export function wayBack(rpc: Rpc, command: LostCommand): (from: BreakPoint) => Promise<Attachment> {
  return async (from) => {
    const deadline = startDeadline(giveUpAfterMs, from.signal);
    try {
      return await tryUntil(deadline.signal, () => attachAgain(rpc, command, from, deadline.signal));
    } catch (error) {
      if (from.signal.aborted) throw error;
      throw lostFor(command.name, from.cause, deadline.expired() ? notBack : refused(error));
    } finally {
      deadline.clear();
    }
  };
}

const notBack = `, and did not come back within ${formatGoDuration(giveUpAfterMs)}`;

const refused = (error: unknown): string =>
  `, and it could not be come back to (${error instanceof Error ? error.message : String(error)})`;

/** Where the service is by now. */
async function attachAgain(
  rpc: Rpc,
  command: LostCommand,
  { outputOffset }: BreakPoint,
  signal: AbortSignal,
): Promise<Attachment> {
  const { findEndpoint, endpoint } = rpc.settings;
  const found = findEndpoint === undefined ? endpoint : await findEndpoint();
  if (found === undefined) throw new TenkiError("unavailable", "the service is not there");
  const { sessionId, executionId } = command;
  const call = { endpoint: found, signal, timeoutMs: oneAttemptMs };
  return openAttach(rpc, { sessionId, executionId, outputOffset }, call);
}

/** Again and again while the service does not answer; what it answers counts. */
async function tryUntil<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T> {
  for (let pauseMs = 50; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    try {
      return await action();
    } catch (error) {
      if (signal.aborted || !mayPass(error)) throw error;
      await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal });
    }
  }
}

const mayPass = (error: unknown): boolean =>
  error instanceof TenkiError && ["unavailable", "deadline_exceeded"].includes(error.kind);
