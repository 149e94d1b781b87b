import type { Socket } from "node:net";
import type { RelayProcess } from "../lib/relay-process.js";

/** Where bursts of output may go by themselves, past the reader of a command's `output`. */
export interface BurstOutlet {
  /** Starts who reads the lane from now on, and passes it on; undefined where there is nobody. */
  start(lane: Socket): RelayProcess | undefined;
  /** Resolves when the reader has passed on so many bytes of `output`. */
  passedOn(bytes: number): Promise<void>;
  /** What a reader throws whose own outlet is closed. */
  closed(): Error;
}
