import { TenkiError } from "../../domain/error.js";
import type { Logger } from "../../lib/logger.js";
import type { GuestProcess } from "../core/ports/runtime.js";
import { untilStopping } from "./cut-off.js";
import { followProcess } from "./follow-process.js";
import type { InputFrame } from "./run-input.js";
import type { SshCaller } from "./ssh-caller.js";
import { SshRefusals } from "./ssh-refusals.js";
import { SshServerLog } from "./ssh-server-log.js";

export interface CarryOptions {
  readonly sessionId: string;
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

/** How long a server may take to end once its client has gone. */
const goneGraceMs = 10_000;

/** A close frame holds no more than 123 bytes. */
const reasonLengthMax = 120;

const closeCodes = { normal: 1000, goingAway: 1001, failed: 1011 } as const;

/** Carries the bytes between a client and the server that was started for it, until either ends. */
export async function carrySsh(
  caller: SshCaller,
  process: GuestProcess,
  { sessionId, stopping, log }: CarryOptions,
): Promise<void> {
  const lost = new AbortController();
  const call = untilStopping(lost.signal, stopping);
  const refusals = new SshRefusals(caller);
  const said = new SshServerLog(log, sessionId, (line) => refusals.hear(line));
  let grace: NodeJS.Timeout | undefined;
  const letGo = caller.onClose(() => void (grace = setTimeout(() => lost.abort(), goneGraceMs)));
  try {
    const input = { open: true, closesAtEnd: true, signal: call.signal, frames: toInput(caller.bytes) };
    for await (const event of followProcess(process, input)) {
      if (event.kind === "stdout") await caller.send?.(event.data);
      else if (event.kind === "stderr") said.add(event.data);
      else if (event.kind === "exit") said.exited(event.exit.exitCode);
    }
    caller.close(closeCodes.normal, "");
  } catch (error) {
    caller.close(...toClosing(error, stopping));
  } finally {
    caller.drop();
    letGo();
    clearTimeout(grace);
    call.clear();
    said.end();
  }
}

async function* toInput(bytes: SshCaller["bytes"]): AsyncGenerator<InputFrame, void, undefined> {
  for await (const data of bytes) yield { kind: "stdin", data };
}

/** How a connection is closed that could not go on. */
export function toClosing(error: unknown, stopping: AbortSignal): [code: number, reason: string] {
  if (!(error instanceof TenkiError)) return [closeCodes.failed, "the ssh connection failed"];
  const isOver = stopping.aborted || error.kind === "failed_precondition";
  return [isOver ? closeCodes.goingAway : closeCodes.failed, error.message.slice(0, reasonLengthMax)];
}
