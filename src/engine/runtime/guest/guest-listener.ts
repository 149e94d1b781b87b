import { randomUUID } from "node:crypto";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { ListenError } from "../../../domain/dial.js";
import { TenkiError } from "../../../domain/error.js";
import type { GuestConnectionAccepted, GuestListener } from "../../core/ports/runtime.js";
import { GuestConnection } from "./connection.js";
import { takeStream } from "./dial.js";
import { describeErrno, expectFrame, readFailure } from "./guest-error.js";
import { readSourceAddress } from "./source-address.js";
import { PayloadWriter } from "./payload.js";
import { down, request } from "./protocol.js";

/** Binding is done at once, or not at all. */
const patienceMs = 10_000;
/** Before another connection is asked for, where the sandbox had no process to spare for it. */
const restMs = 250;

/** One connection of the link keeps it listening; another waits for the next who comes in. */
export class LinkedListener implements GuestListener {
  readonly address: string;
  readonly port: number;
  readonly connections: AsyncIterable<GuestConnectionAccepted>;
  readonly #socketPath: string;
  readonly #id: string;
  readonly #keeper: GuestConnection;
  readonly #closing = new AbortController();

  static async open(
    socketPath: string,
    { address, port }: { readonly address: string; readonly port: number },
    signal: AbortSignal,
  ): Promise<GuestListener> {
    const id = randomUUID();
    const keeper = new GuestConnection(socketPath, { patienceMs });
    return keeper.during(signal, async () => {
      void keeper.send(request.listen, new PayloadWriter().string(id).string(address).u32(port).finish());
      const frame = await keeper.next();
      const failure = readFailure(frame);
      if (failure !== undefined) throw bindError(failure.errno, address, port);
      const reader = expectFrame(frame, down.listening);
      const chosen = reader.u32();
      reader.finish();
      return new LinkedListener(socketPath, id, keeper, { address, port: chosen });
    });
  }

  private constructor(
    socketPath: string,
    id: string,
    keeper: GuestConnection,
    at: { readonly address: string; readonly port: number },
  ) {
    this.#socketPath = socketPath;
    this.#id = id;
    this.#keeper = keeper;
    this.address = at.address;
    this.port = at.port;
    this.connections = this.#accept();
    // It says nothing more; when it breaks off, the sandbox is gone.
    keeper.answerIsDue = false;
    keeper.next().catch((error: unknown) => this.#end(error));
  }

  close(): void {
    this.#end(undefined);
  }

  #end(why: unknown): void {
    this.#closing.abort(why);
    this.#keeper.close();
  }

  async *#accept(): AsyncGenerator<GuestConnectionAccepted> {
    const { signal } = this.#closing;
    try {
      while (!signal.aborted) {
        const accepted = await this.#acceptOne(signal);
        if (accepted === undefined) await sleep(restMs, undefined, { signal });
        else yield accepted;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      if (signal.reason instanceof TenkiError) throw signal.reason;
    } finally {
      this.close();
    }
  }

  /** Undefined where the sandbox is too busy to take one now. */
  async #acceptOne(signal: AbortSignal): Promise<GuestConnectionAccepted | undefined> {
    const connection = new GuestConnection(this.#socketPath, { allowHalfOpen: true });
    return connection.during(signal, async () => {
      void connection.send(request.accept, new PayloadWriter().string(this.#id).finish());
      const frame = await connection.next();
      if (busyErrors.has(readFailure(frame)?.errno ?? 0)) {
        connection.close();
        return undefined;
      }
      const sourceAddress = readSourceAddress(expectFrame(frame, down.connected));
      return { stream: takeStream(connection), sourceAddress };
    });
  }
}

const { errno: codes } = constants;
const busyErrors: ReadonlySet<number> = new Set([codes.EAGAIN, codes.ENOMEM, codes.EMFILE, codes.ENFILE]);

const bindError = (errno: number, address: string, port: number): ListenError =>
  new ListenError(
    `cannot listen on ${address.includes(":") ? `[${address}]` : address}:${port} inside the sandbox: ${describeErrno(errno)}`,
    { errno },
  );
