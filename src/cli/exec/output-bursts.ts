import type { Socket } from "node:net";
import { existsSync } from "node:fs";
import { RelayProcess } from "../../lib/relay-process.js";
import type { BurstOutlet } from "../../client/index.js";
import { guestProgram } from "../guest-program.js";
import type { Io } from "../io.js";
import { OutputClosedError } from "../output/write.js";

/** Lets a process of its own write bursts of output to our stdout and stderr. */
export class OutputBursts implements BurstOutlet {
  readonly #program: string;
  readonly #outputs: readonly number[];
  #written = 0;
  #wanted = 0;
  #wake: (() => void) | undefined;

  private constructor(program: string, outputs: readonly number[]) {
    this.#program = program;
    this.#outputs = outputs;
  }

  /** Undefined where somebody looks on, who reads no faster than we write. */
  static of(io: Io): OutputBursts | undefined {
    const isWatched = io.outputDescriptors === undefined || io.stdout.isTTY === true;
    return isWatched ? undefined : new OutputBursts(guestProgram(io), io.outputDescriptors);
  }

  start(lane: Socket): RelayProcess | undefined {
    if (!existsSync(this.#program)) return undefined;
    return RelayProcess.start([this.#program, "pass", "lane"], lane, this.#outputs);
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
