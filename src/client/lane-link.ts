import type { Socket } from "node:net";
import type { CommandExit } from "../domain/command.js";
import { errorKinds, type ErrorKind } from "../domain/error.js";
import { laneFrames, laneRules } from "../domain/run-lane.js";
import { type Frame, readFrames, writeFrame } from "../lib/frames.js";
import type { CommandEvent, CommandFrame, CommandLink } from "./command-link.js";
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

/** A `Run` over the lane. */
export class LaneLink implements CommandLink {
  readonly #socket: Socket;
  readonly #endpoint: string;
  readonly #frames: AsyncGenerator<Frame, void, undefined>;
  readonly #report: (error?: string) => void;

  /** `report` hears once how the call ended. */
  constructor(socket: Socket, endpoint: string, report: (error?: string) => void) {
    this.#socket = socket;
    this.#endpoint = endpoint;
    this.#report = report;
    socket.on("error", () => undefined); // whoever reads hears of it
    this.#frames = readFrames(socket, laneRules);
  }

  /** Says what to run, and hears whether it runs. */
  async start(payload: RunPayload): Promise<LaneStart | { readonly exit: CommandExit }> {
    if (payload?.case !== "start") throw new TypeError("a command begins with its start");
    void this.#say({ start: payload.value });
    let isKept = false;
    for (;;) {
      const frame = await this.#next();
      if (frame?.kind === laneFrames.kept) isKept = true;
      else if (frame?.kind === laneFrames.message) {
        const { started, exit } = parse(frame);
        if (exit !== undefined) return this.#notStarted(exit);
        const { pid = "0", stdinWindowBytes = 0 } = started ?? {};
        return { pid: Number(pid), stdinWindowBytes, isKept };
      } else throw this.#lost();
    }
  }

  #notStarted(exit: NonNullable<LaneMessage["exit"]>): { readonly exit: CommandExit } {
    this.#report();
    this.close();
    return { exit: toExit(exit) };
  }

  async next(): Promise<CommandEvent | undefined> {
    const frame = await this.#next();
    if (frame === undefined) return undefined;
    if (frame.kind === laneFrames.data) return { kind: "stdout", data: frame.payload };
    if (frame.kind === laneFrames.stderr) return { kind: "stderr", data: frame.payload };
    const { flow, exit } = parse(frame);
    if (exit !== undefined) this.#report();
    return exit === undefined
      ? { kind: "flow", bytes: flow?.stdinGrantBytes ?? 0 }
      : { kind: "exit", exit: toExit(exit) };
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
    void writeFrame(this.#socket, laneFrames.end, Buffer.alloc(0));
    this.#socket.destroySoon();
  }

  async #next(): Promise<Frame | undefined> {
    let result;
    try {
      result = await this.#frames.next();
    } catch (cause) {
      throw this.#lost(cause);
    }
    const frame = result.done === true ? undefined : result.value;
    if (frame?.kind !== laneFrames.end) return frame;
    const { code, ...said } = JSON.parse(frame.payload.toString()) as { code: string } & ServiceError;
    throw this.#failed(recogniseError(kindOf(code), said));
  }

  #say(message: object): Promise<void> {
    return writeFrame(this.#socket, laneFrames.message, Buffer.from(JSON.stringify(message)));
  }

  #lost(cause?: unknown): ConnectionError {
    const message = `the connection to ${this.#endpoint} was lost`;
    return this.#failed(new ConnectionError(message, { requestSent: true, cause }));
  }

  #failed<E extends Error>(error: E): E {
    this.#report(error.message);
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
