import type { Socket } from "node:net";
import type { CommandExit } from "../domain/command.js";
import { errorKinds, type ErrorKind } from "../domain/error.js";
import { laneFrames, laneRules } from "../domain/run-lane.js";
import { type Burst, BurstSource } from "../lib/burst-source.js";
import { type Frame, FrameSource, writeFrame } from "../lib/frames.js";
import type { BurstOutlet } from "./burst-outlet.js";
import type { CommandEvent, CommandFrame, CommandLink, OutputBurst } from "./command-link.js";
import { ConnectionError } from "./connection-error.js";
import { signalToWire } from "./convert/command.js";
import type { startMessage } from "./convert/run-frames.js";
import { SandboxError } from "./errors.js";
import { recogniseError, type ServiceError } from "./recognise-error.js";

/** What the contract says of a started command, in its JSON form: zeros are left out. */
interface LaneMessage {
  readonly started?: { readonly pid?: string; readonly stdinWindowBytes?: number };
  readonly flow?: { readonly stdinGrantBytes?: number };
  readonly exit?: {
    readonly exitCode?: number;
    readonly signal?: string;
    readonly timedOut?: boolean;
    readonly durationMs?: string;
    readonly reason?: string;
    readonly errno?: number;
  };
}

type RunPayload = NonNullable<ReturnType<typeof startMessage>["frame"]>["payload"];

export interface LaneStart {
  readonly pid: number;
  readonly stdinWindowBytes: number;
  readonly isKept: boolean;
}

export interface LaneLinkOptions {
  readonly endpoint: string;
  /** Hears once how the call ended. */
  readonly report: (error?: string) => void;
  readonly bursts: BurstOutlet | undefined;
}

/** A `Run` over the lane. */
export class LaneLink implements CommandLink {
  readonly #socket: Socket;
  readonly #source: BurstSource;
  readonly #options: LaneLinkOptions;

  constructor(socket: Socket, options: LaneLinkOptions) {
    this.#socket = socket;
    this.#options = options;
    const { bursts } = options;
    this.#source = new BurstSource({
      ...{ socket, source: new FrameSource(socket, laneRules), kinds: laneRules.inPieces },
      start: bursts && ((lane) => bursts.start(lane)),
    });
  }

  /** Says what to run, and hears whether it runs. */
  async start(payload: RunPayload): Promise<LaneStart | { readonly exit: CommandExit }> {
    if (payload?.case !== "start") throw new TypeError("a command begins with its start");
    void this.#say({ start: payload.value });
    let isKept = false;
    for (;;) {
      const frame = await this.#next();
      if (frame === undefined || "pass" in frame) throw this.#lost();
      if (frame.kind === laneFrames.kept) isKept = true;
      else if (frame.kind === laneFrames.message) {
        const { started, exit } = parse(frame);
        if (exit !== undefined) return this.#notStarted(exit);
        const { pid = "0", stdinWindowBytes = 0 } = started ?? {};
        return { pid: Number(pid), stdinWindowBytes, isKept };
      } else throw this.#lost();
    }
  }

  #notStarted(exit: NonNullable<LaneMessage["exit"]>): { readonly exit: CommandExit } {
    this.#options.report();
    this.close();
    return { exit: toExit(exit) };
  }

  async next(): Promise<CommandEvent | OutputBurst | undefined> {
    const frame = await this.#next();
    if (frame === undefined) return this.#hangUp();
    if ("pass" in frame) return { kind: "burst", pass: () => this.#pass(frame) };
    if (frame.kind === laneFrames.data) return { kind: "stdout", data: frame.payload };
    if (frame.kind === laneFrames.stderr) return { kind: "stderr", data: frame.payload };
    const { flow, exit } = parse(frame);
    if (exit !== undefined) this.#options.report();
    return exit === undefined
      ? { kind: "flow", bytes: flow?.stdinGrantBytes ?? 0 }
      : { kind: "exit", exit: toExit(exit) };
  }

  /** The service has: what is still on its way to the command, nobody reads, and it would be waited for without end. */
  #hangUp(): undefined {
    this.#socket.destroy();
    return undefined;
  }

  async #pass(burst: Burst): Promise<number> {
    const { passed, why } = await burst.pass();
    if (why === "boundary" || why === "source_ended" || why === "not_started") return passed;
    this.close();
    const closed = why === "target_closed" ? this.#options.bursts?.closed() : undefined;
    throw closed ?? new SandboxError("data_loss", "the output could not be passed on");
  }

  async send(frame: CommandFrame): Promise<boolean> {
    if (frame.kind === "stdin") await writeFrame(this.#socket, laneFrames.data, frame.data);
    else if (frame.kind === "stdin_close") await this.#say({ stdinClose: true });
    else if (frame.kind === "signal") await this.#say({ signal: { signal: signalToWire(frame.name) } });
    else throw new SandboxError("unimplemented", "the contract has no frame for a terminal's size");
    return this.#socket.writable;
  }

  end(): void {
    // What is open upwards costs nothing, and closing it would say that stdin is at its end.
  }

  close(): void {
    this.#source.stop();
    void writeFrame(this.#socket, laneFrames.end, Buffer.alloc(0));
    this.#socket.destroySoon();
  }

  async #next(): Promise<Frame | Burst | undefined> {
    const frame = await this.#source.next().catch((cause: unknown) => {
      throw this.#lost(cause);
    });
    if (frame === undefined || "pass" in frame || frame.kind !== laneFrames.end) return frame;
    const { code, ...said } = JSON.parse(frame.payload.toString()) as { code: string } & ServiceError;
    throw this.#failed(recogniseError(kindOf(code), said));
  }

  #say(message: object): Promise<void> {
    return writeFrame(this.#socket, laneFrames.message, Buffer.from(JSON.stringify(message)));
  }

  #lost(cause?: unknown): ConnectionError {
    const message = `the connection to ${this.#options.endpoint} was lost`;
    return this.#failed(new ConnectionError(message, { requestSent: true, cause }));
  }

  #failed<E extends Error>(error: E): E {
    this.#options.report(error.message);
    return error;
  }
}

const parse = ({ payload }: Frame): LaneMessage => JSON.parse(payload.toString()) as LaneMessage;

const toExit = (exit: NonNullable<LaneMessage["exit"]>): CommandExit => ({
  exitCode: exit.exitCode ?? 0,
  signal: exit.signal?.replace(/^SIG/, ""),
  timedOut: exit.timedOut ?? false,
  durationMs: Number(exit.durationMs ?? 0),
  reason: exit.reason ?? "",
  errno: exit.errno,
});

/** The contract's names are ours but for one. */
const kindOf = (code: string): ErrorKind =>
  code === "canceled" ? "cancelled" : (errorKinds.find((kind) => kind === code) ?? "unknown");
