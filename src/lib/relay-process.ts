import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** What is open of a frame where a relay takes over; `left` 0: it begins between two frames. */
export interface OpenFrame {
  readonly kind: number;
  readonly left: number;
}

export interface RelayEnd {
  /** Bytes of content that have arrived. */
  readonly passed: number;
  /**
   * `boundary`: between two frames, and whoever started it may go on; `source_ended`: within one, it may be;
   * `target_closed`, `failed`: within one, and nothing can follow it; `not_started`: it has touched nothing.
   */
  readonly why: "boundary" | "source_ended" | "target_closed" | "failed" | "not_started";
}

/** A socket that another process can be given: of the kernel's, with nothing between it and its bytes. */
export const isPlainSocket = (stream: Duplex): stream is Socket =>
  stream instanceof Socket && !("encrypted" in stream) && !stream.destroyed;

const turnBytes = 5;
/** Ahead of a report, where `from` is to be read on here. */
const readyBytes = 1;
const reportBytes = 9;
const ends = ["boundary", "source_ended", "target_closed", "failed"] as const;

/**
 * A process that passes on what a socket receives, faster than this one could, for as long as a burst of it lasts.
 * From its start on nobody here may read the socket; what was received before is to be passed on before `go`.
 */
export class RelayProcess {
  /** Resolves when it is gone. */
  readonly over: Promise<void>;
  readonly #child: ChildProcess;
  readonly #control: Socket;
  readonly #heard: Buffer[] = [];
  readonly #speaks: Promise<void>;

  private constructor(child: ChildProcess, control: Socket) {
    this.#child = child;
    this.#control = control;
    control.on("data", (chunk: Buffer) => this.#heard.push(chunk));
    control.on("error", () => undefined); // it is gone, which is told by its end
    this.#speaks = new Promise((resolve) => void control.once("data", () => resolve()));
    this.over = new Promise((resolve) => {
      child.once("close", () => resolve());
      child.once("error", () => resolve());
    });
  }

  /**
   * `argv`: the program, which finds `from` at its descriptor 3, what it says to us at 4, and `to` from 5 on. Undefined
   * where there is no room for a process.
   */
  static start(
    argv: readonly string[],
    from: Socket,
    to: readonly (Socket | number)[],
  ): RelayProcess | undefined {
    const [program = "", ...args] = argv;
    const stdio: StdioOptions = ["ignore", "ignore", "ignore", from, "pipe", ...to];
    try {
      const child = spawn(program, args, { stdio, env: {} });
      child.on("error", () => undefined);
      const control = (child.stdio as readonly unknown[] | undefined)?.[4];
      return control instanceof Socket ? new RelayProcess(child, control) : undefined;
    } catch {
      return undefined;
    }
  }

  /** False where there is no process: nobody has touched anything. */
  get hasStarted(): boolean {
    return this.#child.pid !== undefined;
  }

  /** After `go`, of who says so: true once `from` is to be read here again, false where it has ended before that. */
  async ready(): Promise<boolean> {
    await Promise.race([this.#speaks, this.over]);
    return this.#heardBytes % reportBytes === readyBytes;
  }

  /** Its turn. Resolves when it has ended. */
  async go({ kind, left }: OpenFrame): Promise<RelayEnd> {
    const turn = Buffer.alloc(turnBytes);
    turn.writeUInt8(kind, 0);
    turn.writeUInt32BE(left, 1);
    this.#control.write(turn);
    await this.over;
    if (!this.hasStarted) return { passed: 0, why: "not_started" };
    if (this.#heardBytes < reportBytes) return { passed: 0, why: "failed" };
    const report = Buffer.concat(this.#heard).subarray(-reportBytes);
    return { passed: Number(report.readBigUInt64LE(1)), why: ends[report.readUInt8(0)] ?? "failed" };
  }

  get #heardBytes(): number {
    return this.#heard.reduce((sum, { length }) => sum + length, 0);
  }

  /** Idempotent. At once, wherever it is. */
  stop(): void {
    this.#child.kill("SIGKILL");
  }
}
