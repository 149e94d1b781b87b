import type { Duplex } from "node:stream";
import type { Socket } from "node:net";
import { BurstMeter } from "./burst-meter.js";
import type { Frame, FrameSource } from "./frames.js";
import { isPlainSocket, type RelayEnd, type RelayProcess } from "./relay-process.js";

/** A burst is there to be passed on by itself, behind what came before it. */
export interface Burst {
  /** Once all before it was passed on; resolves when reading goes on here, or cannot. Has to be called. */
  pass(): Promise<RelayEnd>;
}

export interface BurstSourceOptions {
  readonly socket: Duplex;
  readonly source: FrameSource;
  /** The frames that may be passed on. */
  readonly kinds: ReadonlySet<number>;
  /** Starts who passes them on; undefined where there is nobody. */
  readonly start: ((from: Socket) => RelayProcess | undefined) | undefined;
}

/** Frames as they come, until they come so thick that somebody else had better read them. */
export class BurstSource {
  readonly #options: BurstSourceOptions;
  readonly #meter = new BurstMeter();
  #relay: RelayProcess | undefined;

  constructor(options: BurstSourceOptions) {
    this.#options = options;
  }

  /** Somebody else reads, or is about to. */
  get isHandedOver(): boolean {
    return this.#relay !== undefined;
  }

  /** Undefined where the source ends. */
  async next(): Promise<Frame | Burst | undefined> {
    const { source } = this.#options;
    const relay = this.#relay;
    const frame = relay === undefined ? await source.next() : source.received();
    if (frame !== undefined) this.#look(frame);
    return frame ?? (relay && this.#burst(relay));
  }

  /** Idempotent. */
  stop(): void {
    this.#relay?.stop();
  }

  #look({ kind, payload }: Frame): void {
    const { socket, source, kinds, start } = this.#options;
    const mayGo =
      start !== undefined && this.#relay === undefined && kinds.has(kind) && isPlainSocket(socket);
    if (mayGo && this.#meter.add(payload.length)) this.#relay = source.handOver(() => start(socket));
  }

  /** What was received has been handed out. */
  async #burst(relay: RelayProcess): Promise<Frame | Burst | undefined> {
    const { source } = this.#options;
    const { open } = source;
    if (open !== undefined) {
      return {
        pass: async () => {
          const end = await relay.go(open);
          this.#relay = undefined;
          if (end.why !== "not_started") source.closeFrame();
          return end;
        },
      };
    }
    relay.stop(); // a frame of another kind is half there
    await relay.over;
    this.#relay = undefined;
    return this.next();
  }
}
