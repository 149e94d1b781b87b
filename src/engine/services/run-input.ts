import { TenkiError } from "../../domain/error.js";
import type {
  RunRequest,
  SandboxSessionDataPlaneServiceRunRequest,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { GuestProcess } from "../core/ports/runtime.js";
import { fromWireSignal } from "./convert/run.js";

/**
 * What a caller sends to its command. Input beyond what the command has taken is not read off the connection, so
 * a caller who keeps to no window is slowed down by the connection's own.
 */
export class RunInput {
  readonly #process: GuestProcess;
  /** False: the command's input was at its end from the start. */
  #open: boolean;
  #window: number;
  #ended = false;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(process: GuestProcess, streamStdin: boolean) {
    this.#process = process;
    this.#open = streamStdin;
    this.#window = process.stdinWindowBytes;
  }

  begin(frames: AsyncIterator<SandboxSessionDataPlaneServiceRunRequest>): void {
    if (!this.#open) this.#process.closeStdin();
    this.#pump(frames).catch((error: unknown) => {
      this.#failure = error;
      if (!this.#ended) this.#process.close();
    });
  }

  /** The command has taken so many bytes. */
  grant(bytes: number): void {
    this.#window += bytes;
    this.#wake?.();
  }

  /** The command is over. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #pump(frames: AsyncIterator<SandboxSessionDataPlaneServiceRunRequest>): Promise<void> {
    for (let next = await frames.next(); next.done !== true; next = await frames.next()) {
      if (this.#ended) return;
      const { frame } = next.value;
      if (frame === undefined) throw new TenkiError("invalid_argument", "a frame is empty");
      await this.#take(frame);
    }
    this.#close(); // who can say nothing more cannot close the input either
  }

  async #take({ payload }: RunRequest): Promise<void> {
    switch (payload.case) {
      case "stdin":
        return this.#write(payload.value);
      case "stdinClose":
        return this.#close();
      case "signal":
        return this.#process.signal(fromWireSignal(payload.value.signal));
      default:
        throw new TenkiError("invalid_argument", "after `start`, a frame is input or a signal");
    }
  }

  async #write(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length && this.#open && !this.#ended;) {
      if (this.#window === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      const piece = data.subarray(at, at + this.#window);
      at += piece.length;
      this.#window -= piece.length;
      if (piece.length > 0 && !this.#ended) await this.#process.writeStdin(piece);
    }
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (!this.#ended) this.#process.closeStdin();
  }
}
