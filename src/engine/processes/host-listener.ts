import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { ListenError } from "../../domain/dial.js";
import { AsyncQueue } from "../../lib/async-queue.js";
import type { GuestConnectionAccepted, GuestListener } from "../core/ports/runtime.js";

/** Connections that wait to be taken; one more is turned away. */
const waitingMax = 128;

/** Listens on the machine itself, as a sandbox without a network of its own has no other place. */
export async function listenOnHost({
  address,
  port,
}: {
  readonly address: string;
  readonly port: number;
}): Promise<GuestListener> {
  const connections = new AsyncQueue<GuestConnectionAccepted>(waitingMax);
  let waiting = 0;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    const { remoteAddress = "", remotePort = 0, remoteFamily } = socket;
    const host = remoteFamily === "IPv6" ? `[${remoteAddress}]` : remoteAddress;
    if (connections.ended || waiting === waitingMax) {
      socket.resetAndDestroy();
      return;
    }
    waiting += 1;
    void connections.push({ stream: socket, sourceAddress: `${host}:${remotePort}` });
  });
  async function* taken(): AsyncGenerator<GuestConnectionAccepted> {
    for await (const accepted of connections) {
      waiting -= 1;
      yield accepted;
    }
  }
  try {
    server.listen({ host: address, port });
    await once(server, "listening");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ListenError(`cannot listen there: ${why}`, { cause });
  }
  return {
    address,
    port: (server.address() as AddressInfo).port,
    connections: taken(),
    close() {
      server.close();
      connections.end();
    },
  };
}
