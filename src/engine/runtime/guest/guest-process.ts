import type { CommandExit, TerminalSize } from "../../../domain/command.js";
import { noSuchSignal } from "../../../domain/signal.js";
import { nameSignal, numberSignal } from "../../../lib/signals.js";
import type { GuestEvent, GuestProcess } from "../../core/ports/runtime.js";
import type { GuestConnection } from "./connection.js";
import type { Frame } from "./frame-reader.js";
import { malformed, PayloadReader, PayloadWriter } from "./payload.js";
import { dataBytesMax, down, terminalSizeMax, up } from "./protocol.js";

/** Where its caller finds a command. */
export type CommandPlace = Pick<GuestProcess, "pid" | "stdinWindowBytes" | "stdinReceived" | "outputOffset">;

/** A command that runs in the guest, at the other end of a connection that is its own. */
export class LinkedProcess implements GuestProcess {
  readonly pid: number;
  readonly outputOffset: number;
  readonly stdinReceived: number;
  readonly stdinWindowBytes: number;
  readonly events: AsyncIterable<GuestEvent>;
  readonly #connection: GuestConnection;
  readonly #kept: boolean;
  #left = false;

  constructor(connection: GuestConnection, place: CommandPlace, { kept }: { readonly kept: boolean }) {
    this.#connection = connection;
    this.#kept = kept;
    this.pid = place.pid;
    this.outputOffset = place.outputOffset;
    this.stdinReceived = place.stdinReceived;
    this.stdinWindowBytes = place.stdinWindowBytes;
    this.events = this.#readEvents();
  }

  async writeStdin(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length; at += dataBytesMax) {
      await this.#connection.send(up.stdin, data.subarray(at, at + dataBytesMax));
    }
  }

  closeStdin(): void {
    void this.#connection.send(up.stdinClose, Buffer.alloc(0));
  }

  signal(name: string): void {
    const number = numberSignal(name);
    if (number === undefined) throw noSuchSignal(name);
    void this.#connection.send(up.signal, new PayloadWriter().u32(number).finish());
  }

  resize({ rows, columns }: TerminalSize): void {
    const size = new PayloadWriter()
      .u32(Math.min(rows, terminalSizeMax))
      .u32(Math.min(columns, terminalSizeMax));
    void this.#connection.send(up.resize, size.finish());
  }

  close(): void {
    if (this.#left) return;
    this.#left = true;
    if (this.#kept) this.#connection.hangUp();
    else this.#connection.close();
  }

  detach(): void {
    if (this.#left) return;
    this.#left = true;
    this.#connection.close();
  }

  async *#readEvents(): AsyncGenerator<GuestEvent, void, undefined> {
    try {
      for (;;) {
        const event = toEvent(await this.#connection.next());
        yield event;
        if (event.kind === "exit") return;
      }
    } catch (error) {
      if (!this.#left) throw error;
    } finally {
      this.close();
    }
  }
}

function toEvent(frame: Frame): GuestEvent {
  switch (frame.type) {
    case down.stdout:
      return { kind: "stdout", data: frame.payload };
    case down.stderr:
      return { kind: "stderr", data: frame.payload };
    case down.stdinTaken: {
      const reader = new PayloadReader(frame.payload);
      const bytes = reader.u32();
      reader.finish();
      return { kind: "stdin_taken", bytes };
    }
    case down.exit:
      return { kind: "exit", exit: toExit(new PayloadReader(frame.payload)) };
    default:
      throw malformed("the wrong kind of frame");
  }
}

function toExit(reader: PayloadReader): CommandExit {
  const code = reader.u32();
  const signalNumber = reader.u32();
  const timedOut = reader.u8() !== 0;
  const durationMs = reader.u64();
  reader.finish();
  if (code > 255 || signalNumber > 127) throw malformed("an exit that cannot be");
  const signal = signalNumber === 0 ? undefined : nameSignal(signalNumber);
  const reason = timedOut ? "timeout" : signal === undefined ? "exit" : "signaled";
  // As shells do, so that a caller who looks at the code alone sees a failure.
  const exitCode = signalNumber === 0 ? code : 128 + signalNumber;
  return { exitCode, ...(signal === undefined ? {} : { signal }), timedOut, durationMs, reason };
}
