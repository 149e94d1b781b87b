import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A client that says what it likes: for what the link itself would never send. */
export async function connectRaw(socketPath: string): Promise<Socket> {
  const socket = connect({ path: socketPath });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

export function frame(type: number, payload: Uint8Array = Buffer.alloc(0), length = payload.length): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32LE(length, 0);
  header.writeUInt8(type, 4);
  return Buffer.concat([header, payload]);
}

/** All that is answered until the other side has no more to say; then closes. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => socket.on("close", resolve)); // a reset is an end as well
  return Buffer.concat(chunks);
}
