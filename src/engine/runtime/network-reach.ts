import { type ChildProcess, spawn } from "node:child_process";
import { DialError } from "../../domain/dial.js";
import type { ProcessIdentity } from "../../lib/process-identity.js";
import type { SocketHandle } from "../../lib/taken-socket.js";
import { ReachedSocket } from "./reached-socket.js";

/** A browser test, or a load, opens a thousand connections at once: who finds no process left goes the slow way round. */
const connectingMax = 4_096;

type Settle = (socket: ReachedSocket | undefined) => void;

/**
 * Connects to ports inside sandboxes from outside, past their guest programs: a process of the engine's enters the
 * network namespace, connects, and hands the socket over. It is started at first need, and ends with the engine.
 */
export class NetworkReach {
  readonly #program: string;
  readonly #connectingMax: number;
  readonly #asked = new Map<number, Settle>();
  #child: ChildProcess | undefined;
  #lastNumber = 0;

  /** `max`: how many are connected to at one time; default: 4096. */
  constructor(guestBinary: string, max = connectingMax) {
    this.#program = guestBinary;
    this.#connectingMax = max;
  }

  /** `init` is pid 1 of the sandbox. Undefined where that way is closed, or nobody listens: the guest may know more. */
  async connect(
    init: ProcessIdentity,
    { port, timeoutMs }: { readonly port: number; readonly timeoutMs: number },
    signal: AbortSignal,
  ): Promise<ReachedSocket | undefined> {
    signal.throwIfAborted();
    const number = (this.#lastNumber += 1);
    const asked = new Promise<ReachedSocket | undefined>((resolve) => this.#asked.set(number, resolve));
    const child = (this.#child ??= this.#start());
    child.channel?.ref(); // for as long as somebody waits; else it keeps nobody's process from ending
    child.send(`${number} ${init.pid} ${init.startTicks} ${port} ${timeoutMs}`, (error) => {
      if (error !== null) this.#settle(number, undefined);
    });
    const onAbort = () => this.#settle(number, undefined);
    signal.addEventListener("abort", onAbort, { once: true });
    const socket = await asked;
    signal.removeEventListener("abort", onAbort);
    if (!signal.aborted) return socket;
    socket?.destroy();
    throw new DialError("timeout", `no answer in time from port ${port} of the sandbox`, {
      cause: signal.reason,
    });
  }

  #start(): ChildProcess {
    const child = spawn(this.#program, ["reach", String(this.#connectingMax)], {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      env: {},
    });
    child.on("message", (said: unknown, handle: unknown) => {
      const [number, errno] = String(said).split(" ");
      this.#settle(
        Number(number),
        errno === undefined ? new ReachedSocket(handle as SocketHandle) : undefined,
      );
    });
    const onGone = () => {
      if (this.#child === child) this.#child = undefined;
      for (const number of [...this.#asked.keys()]) this.#settle(number, undefined);
    };
    child.once("error", onGone).once("exit", onGone).unref();
    return child;
  }

  #settle(number: number, socket: ReachedSocket | undefined): void {
    const settle = this.#asked.get(number);
    this.#asked.delete(number);
    if (this.#asked.size === 0) this.#child?.channel?.unref();
    if (settle === undefined) socket?.destroy();
    else settle(socket);
  }
}
