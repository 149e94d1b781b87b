import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { TunnelConnectionEvent } from "../options/connections.js";
import type { HostAddress } from "./host-address.js";

export type TunnelFrame =
  | { readonly kind: "data"; readonly id: bigint; readonly data: Uint8Array }
  | { readonly kind: "half_close"; readonly id: bigint }
  | { readonly kind: "close"; readonly id: bigint; readonly reason: string }
  | { readonly kind: "pong"; readonly id: bigint };

type Send = (frame: TunnelFrame) => Promise<boolean>;

/** What waits for one host, before nothing more is read for any: the contract has no window for each. */
const waitingBytesMax = 256 << 10;
/** How long one that takes nothing may keep the others waiting. */
const stallMs = 20_000;
/** The kernel would go on asking for two minutes. */
const answerTimeoutMs = 10_000;

interface HostConnection {
  readonly socket: Socket;
  readonly sourceAddress: string;
}

/** The connections of a tunnel on this side: one to the host for each that came in inside. */
export class HostConnections {
  readonly #host: HostAddress;
  readonly #send: Send;
  readonly #onConnection: (event: TunnelConnectionEvent) => void;
  readonly #timeoutMs: number;
  readonly #connections = new Map<bigint, HostConnection>();

  /** `timeoutMs`: how long the host may take to answer a connection. Default 10 s. */
  constructor(
    host: HostAddress,
    send: Send,
    onConnection?: (event: TunnelConnectionEvent) => void,
    timeoutMs = answerTimeoutMs,
  ) {
    this.#host = host;
    this.#send = send;
    this.#onConnection = onConnection ?? (() => undefined);
    this.#timeoutMs = timeoutMs;
  }

  open(id: bigint, sourceAddress: string): void {
    const socket = connect({ ...this.#host, allowHalfOpen: true, noDelay: true });
    this.#connections.set(id, { socket, sourceAddress });
    this.#tell("opened", id);
    socket.on("error", (error) => this.#fail(id, error));
    const { host, port } = this.#host;
    const timer = setTimeout(
      () => socket.destroy(new Error(`${host}:${port} does not answer`)),
      this.#timeoutMs,
    );
    socket.once("connect", () => clearTimeout(timer)).once("close", () => clearTimeout(timer));
    void this.#carry(id, socket);
  }

  /** Resolves when there is room for more. */
  async write(id: bigint, data: Uint8Array): Promise<void> {
    const socket = this.#connections.get(id)?.socket;
    if (socket === undefined || !socket.writable) return;
    socket.write(data);
    while (socket.writable && socket.writableLength > waitingBytesMax) await this.#untilTaken(id, socket);
  }

  end(id: bigint): void {
    this.#connections.get(id)?.socket.end();
  }

  /** Over inside: what came before is still delivered. */
  close(id: bigint): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    this.#forget(id, "closed");
    connection.socket.end().resume();
    connection.socket.setTimeout(stallMs, () => connection.socket.destroy());
  }

  closeAll(): void {
    for (const { socket } of this.#connections.values()) socket.destroy();
    this.#connections.clear();
  }

  /** What the host says, up to its last word; it is read as fast as the tunnel takes it. */
  async #carry(id: bigint, socket: Socket): Promise<void> {
    try {
      for await (const data of socket.iterator({ destroyOnReturn: false })) {
        await this.#send({ kind: "data", id, data: data as Uint8Array });
      }
      await this.#send({ kind: "half_close", id });
    } catch {
      // `error` has said so.
    }
  }

  #fail(id: bigint, error: Error): void {
    if (!this.#connections.has(id)) return;
    this.#forget(id, "failed", error);
    void this.#send({ kind: "close", id, reason: "host_error" });
  }

  async #untilTaken(id: bigint, socket: Socket): Promise<void> {
    const before = socket.writableLength;
    const given = new AbortController();
    const timer = setTimeout(() => {
      if (socket.writableLength >= before) {
        this.#fail(id, new Error(`${this.#host.host}:${this.#host.port} takes nothing of what it is sent`));
        socket.destroy();
      }
      given.abort();
    }, stallMs);
    const waited = { signal: given.signal };
    await Promise.race([once(socket, "drain", waited), once(socket, "close", waited)]).catch(() => undefined);
    clearTimeout(timer);
    given.abort();
  }

  #forget(id: bigint, event: "closed" | "failed", error?: Error): void {
    this.#tell(event, id, error);
    this.#connections.delete(id);
  }

  #tell(event: TunnelConnectionEvent["event"], id: bigint, error?: Error): void {
    const sourceAddress = this.#connections.get(id)?.sourceAddress ?? "";
    this.#onConnection({ event, id: Number(id), sourceAddress, error });
  }
}
