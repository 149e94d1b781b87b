import { Socket, type SocketConstructorOpts } from "node:net";
import type { TakenStream } from "./taken-stream.js";

/** What Node has of a connection below its stream. */
export type SocketHandle = object;

/** What is received lies here until whoever takes it has looked at it: of all connections, because that is at once. */
const receiveBuffer = Buffer.allocUnsafeSlow(64 << 10);

/** A connection over the kernel's own socket, and nothing else. */
export class TakenSocket extends Socket implements TakenStream {
  taker: TakenStream["taker"];

  constructor(handle: SocketHandle) {
    const take = (count: number, bytes: Uint8Array): boolean =>
      this.#take(bytes.subarray(0, count) as Buffer);
    const onread = { buffer: receiveBuffer, callback: take };
    super({ handle, allowHalfOpen: true, onread } as SocketConstructorOpts);
    this.read(0);
  }

  #take(bytes: Buffer): boolean {
    if (this.taker === undefined) return this.push(Buffer.from(bytes));
    this.taker(bytes);
    return true;
  }
}

/**
 * The connection of a server's socket, which is nothing but its place in the server from then on, and ends with it: a
 * server knows no other way to sockets that need no memory for each piece. As it is where Node has nothing to take.
 */
export function takeOver(accepted: Socket): Socket {
  const holder = accepted as unknown as { _handle?: SocketHandle | null };
  const { _handle: handle } = holder;
  if (handle === undefined || handle === null) return accepted;
  holder._handle = null;
  const socket = new TakenSocket(handle);
  accepted.once("close", () => socket.destroy());
  socket.once("close", () => accepted.destroy());
  return socket;
}
