import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TerminalSize } from "../../../domain/command.js";
import { noSuchSignal } from "../../../domain/signal.js";
import { isPlainSocket, RelayProcess } from "../../../lib/relay-process.js";
import { numberSignal } from "../../../lib/signals.js";
import type { GuestEvent, GuestProcess, ProcessEvent } from "../../core/ports/runtime.js";
import type { GuestConnection } from "./connection.js";
import { PayloadWriter } from "./payload.js";
import { readEvents, readEventsAndBursts } from "./process-events.js";
import { dataBytesMax, terminalSizeMax, up } from "./protocol.js";

/** Where its caller finds a command. */
export type CommandPlace = Pick<GuestProcess, "pid" | "stdinWindowBytes" | "stdinReceived" | "outputOffset">;

export interface LinkedProcessOptions {
  /** It can be come back to. */
  readonly kept: boolean;
  /** Passes on bursts of output; undefined: nobody does. */
  readonly relayProgram?: string | undefined;
}

/** A command that runs in the guest, at the other end of a connection that is its own. */
export class LinkedProcess implements GuestProcess {
  readonly pid: number;
  readonly outputOffset: number;
  readonly stdinReceived: number;
  readonly stdinWindowBytes: number;
  readonly events: AsyncIterable<GuestEvent>;
  readonly #connection: GuestConnection;
  readonly #options: LinkedProcessOptions;
  #relay: RelayProcess | undefined;
  #left = false;

  constructor(connection: GuestConnection, place: CommandPlace, options: LinkedProcessOptions) {
    this.#connection = connection;
    this.#options = options;
    this.pid = place.pid;
    this.outputOffset = place.outputOffset;
    this.stdinReceived = place.stdinReceived;
    this.stdinWindowBytes = place.stdinWindowBytes;
    this.events = this.#untilLeft(readEvents(connection));
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

  eventsAndBursts(caller: Duplex): AsyncIterable<ProcessEvent> {
    return this.#untilLeft(readEventsAndBursts(this.#connection, (from) => this.#startRelay(from, caller)));
  }

  #startRelay(from: Socket, caller: Duplex): RelayProcess | undefined {
    const { relayProgram } = this.#options;
    if (relayProgram === undefined || this.#left || !isPlainSocket(caller)) return undefined;
    this.#relay = RelayProcess.start([relayProgram, "pass", "guest"], from, [caller]);
    caller.read(0); // what the caller says is still ours to hear
    return this.#relay;
  }

  close(): void {
    if (this.#left) return;
    this.#left = true;
    this.#relay?.stop();
    if (this.#options.kept) this.#connection.hangUp();
    else this.#connection.close();
  }

  detach(): void {
    if (this.#left) return;
    this.#left = true;
    this.#relay?.stop();
    this.#connection.close();
  }

  async *#untilLeft<E>(events: AsyncIterable<E>): AsyncGenerator<E, void, undefined> {
    try {
      yield* events;
    } catch (error) {
      if (!this.#left) throw error;
    } finally {
      this.close();
    }
  }
}
