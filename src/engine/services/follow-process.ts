import type { Socket } from "node:net";
import { TenkiError } from "../../domain/error.js";
import { gatherOutput } from "../core/executions/gather-output.js";
import { HeldExit } from "../core/executions/held-exit.js";
import type { BurstEvent, GuestEvent, GuestProcess } from "../core/ports/runtime.js";
import { wasCutOff } from "./cut-off.js";
import { type InputFrame, RunInput, type RunInputOptions } from "./run-input.js";

export interface FollowOptions extends RunInputOptions {
  /** Of the call. */
  readonly signal: AbortSignal;
  readonly frames: AsyncIterable<InputFrame>;
  /** It may end without an exit. Default false. */
  readonly mayEndEarly?: boolean | undefined;
  /** Where events are written to, as the lane has it, one before the next is asked for: bursts may go there by themselves. */
  readonly lane?: Socket | undefined;
}

/** What a command does, for one caller, and what the caller sends to it; lets go of the command in the caller's way. */
export async function* followProcess(
  process: GuestProcess,
  options: FollowOptions,
): AsyncGenerator<GuestEvent, void, undefined> {
  const { signal, frames, mayEndEarly = false, lane } = options;
  const leave = () => (wasCutOff(signal) ? process.detach() : process.close());
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  const input = new RunInput(process, options);
  const exit = new HeldExit();
  try {
    input.begin(frames, leave);
    let exited = false;
    const events = lane && process.eventsAndBursts?.(lane);
    for await (const event of gatherOutput(exit.of(events ?? process.events))) {
      if (event.kind === "burst") {
        await passBurst(event, lane, signal);
        continue;
      }
      if (event.kind === "stdin_taken") input.grant(event.bytes);
      yield event;
      exited = event.kind === "exit";
      if (exited) break;
    }
    if (!exited && !mayEndEarly) {
      throw new TenkiError("unavailable", "the command was ended before its exit was known");
    }
  } catch (error) {
    signal.throwIfAborted();
    input.throwIfFailed(); // what the caller sent wrong is why the rest broke off
    throw error;
  } finally {
    signal.removeEventListener("abort", leave);
    input.end();
    leave();
    exit.letGo();
  }
}

/** What was written before it has left this process by then. */
async function passBurst(burst: BurstEvent, lane: Socket | undefined, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => lane?.write("", () => resolve()));
  if ((await burst.pass()) || lane === undefined) return;
  if (!lane.closed) await new Promise((resolve) => lane.once("close", resolve).destroy());
  signal.throwIfAborted();
}
