import type { TerminalSize } from "../../../domain/command.js";
import { TenkiError } from "../../../domain/error.js";
import { type ExecutionInfo, hasEnded } from "../../../domain/execution.js";
import type { Listeners } from "../../../lib/listeners.js";
import { Wakeup } from "../../../lib/wakeup.js";
import type { ExecutionInput } from "./execution-input.js";
import type { OutputLog } from "../ports/output-logs.js";
import type { GuestEvent, GuestProcess } from "../ports/runtime.js";

/** An execution as one can look at it; what is undefined or does nothing is so because it has ended. */
export interface ViewedExecution {
  readonly info: ExecutionInfo;
  readonly pid: number;
  readonly log: OutputLog;
  readonly input?: ExecutionInput | undefined;
  readonly changes?: Listeners | undefined;
  signal(name: string): void;
  resize(size: TerminalSize): void;
}

export interface ViewRange {
  readonly outputOffset: number;
  /** Greater than 0: at most so many bytes before the end instead. */
  readonly tailBytes?: number | undefined;
  /** False: end behind what there is now. */
  readonly follow: boolean;
}

/**
 * One caller's look at an execution: its output out of the log, as fast as this one reads, and what it types. That it
 * leaves, in either way, changes nothing for the command or for anybody else.
 */
export class ExecutionView implements GuestProcess {
  readonly pid: number;
  readonly outputOffset: number;
  readonly stdinReceived: number;
  readonly stdinWindowBytes: number;
  readonly events: AsyncIterable<GuestEvent>;
  readonly #viewed: ViewedExecution;
  readonly #wakeup = new Wakeup();
  /** Of its input, handed over and not said so yet. */
  #granted = 0;
  #left = false;

  constructor(viewed: ViewedExecution, range: ViewRange) {
    const { input, log, pid } = viewed;
    this.#viewed = viewed;
    this.pid = pid;
    this.outputOffset = beginning(log, range);
    this.stdinReceived = input?.received ?? 0;
    this.stdinWindowBytes = input?.windowBytes ?? 0;
    this.events = this.#follow(range.follow ? undefined : log.end);
  }

  /** Does not wait for the command to take it: behind it may be a signal, and more than the window never waits. */
  async writeStdin(data: Uint8Array): Promise<void> {
    void this.#handOver(data);
  }

  closeStdin(): void {
    this.#viewed.input?.close();
  }

  signal(name: string): void {
    this.#viewed.signal(name);
  }

  resize(size: TerminalSize): void {
    this.#viewed.resize(size);
  }

  close(): void {
    this.#left = true;
    this.#wakeup.wake();
  }

  detach(): void {
    this.close();
  }

  async *#follow(until: number | undefined): AsyncGenerator<GuestEvent, void, undefined> {
    const { log, changes } = this.#viewed;
    const stopListening = changes?.add(this.#wakeup.wake);
    const reader = log.read(this.outputOffset);
    try {
      for (let offset = this.outputOffset; !this.#left && offset < (until ?? Infinity);) {
        const granted = this.#takeGranted();
        if (granted > 0) yield { kind: "stdin_taken", bytes: granted };
        const piece = await reader.next();
        if (piece !== undefined) {
          offset += piece.data.length;
          yield piece;
        } else if (offset === log.end) {
          const exit = this.#exit();
          if (exit !== undefined) {
            yield exit;
            return;
          }
          await this.#wakeup.wait();
        }
      }
    } finally {
      stopListening?.();
      await reader.close();
    }
  }

  async #handOver(data: Uint8Array): Promise<void> {
    await this.#viewed.input?.push(data);
    this.#granted += data.length;
    this.#wakeup.wake();
  }

  #takeGranted(): number {
    const granted = this.#granted;
    this.#granted = 0;
    return granted;
  }

  #exit(): GuestEvent | undefined {
    const { state, exit, problem } = this.#viewed.info;
    if (!hasEnded(state)) return undefined;
    if (exit !== undefined) return { kind: "exit", exit };
    throw new TenkiError("aborted", `the execution is lost: ${problem ?? "its exit is not known"}`);
  }
}

function beginning({ keptFrom, end }: OutputLog, { outputOffset, tailBytes = 0 }: ViewRange): number {
  if (tailBytes > 0) return Math.max(end - tailBytes, keptFrom);
  if (outputOffset <= end) return Math.max(outputOffset, keptFrom);
  throw new TenkiError("out_of_range", `output_offset: there are ${end} bytes of output so far`);
}
