import type { Socket } from "node:net";
import type { RelayProcess } from "../../lib/relay-process.js";
import type { BurstOutlet } from "../../client/index.js";
import { startRelay } from "../start-relay.js";
import type { Io } from "../io.js";
import { OutputClosedError } from "../output/write.js";

/** Lets a process of its own write bursts of output to our stdout and stderr. */
export class OutputBursts implements BurstOutlet {
  readonly #io: Io;
  readonly #outputs: readonly number[];
  #written = 0;
  #wanted = 0;
  #wake: (() => void) | undefined;

  private constructor(io: Io, outputs: readonly number[]) {
    this.#io = io;
    this.#outputs = outputs;
  }

  /** Undefined where somebody looks on, who reads no faster than we write. */
  static of(io: Io): OutputBursts | undefined {
    if (io.descriptors === undefined || io.stdout.isTTY === true) return undefined;
    return new OutputBursts(io, io.descriptors.slice(1));
  }

  start(lane: Socket): RelayProcess | undefined {
    return startRelay(this.#io, ["pass", "lane"], lane, this.#outputs);
  }

  /** So many bytes more of what came by us. */
  wrote(bytes: number): void {
    this.#written += bytes;
    if (this.#written >= this.#wanted) this.#wake?.();
  }

  async passedOn(bytes: number): Promise<void> {
    this.#wanted = bytes;
    if (this.#written < bytes) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  closed(): Error {
    return new OutputClosedError("the output is closed");
  }
}
