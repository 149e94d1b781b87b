import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Connections over unix sockets, both ends of each. */
export class SocketPairs {
  readonly directory: string;
  readonly #sockets: Socket[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async open(): Promise<SocketPairs> {
    return new SocketPairs(await mkdtemp(join(tmpdir(), "tenki-sockets-")));
  }

  async make(): Promise<[ours: Socket, theirs: Socket]> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
    server.listen(join(this.directory, `socket-${this.#sockets.length}`));
    await once(server, "listening");
    const ours = connect({ path: server.address() as string, allowHalfOpen: true });
    const [theirs] = (await once(server, "connection")) as [Socket];
    server.close();
    this.#sockets.push(ours, theirs);
    return [ours, theirs];
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await rm(this.directory, { recursive: true });
  }
}

/** What a socket receives until it ends. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
