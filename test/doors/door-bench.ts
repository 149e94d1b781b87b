import { createServer, type Server } from "node:http";
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server as TcpServer,
  type Socket,
} from "node:net";
import { resolve as resolvePath } from "node:path";
import type { Duplex } from "node:stream";
import { DialError } from "../../src/domain/dial.js";
import type { Admission, Refusal } from "../../src/engine/core/ports/doors.js";
import type { TakenStream } from "../../src/lib/taken-stream.js";
import { LoopbackDoors } from "../../src/engine/doors/loopback-doors.js";

/** Doors that lead to a service on this machine. */
export class DoorBench {
  readonly doors: LoopbackDoors;
  /** How often the service was connected to. */
  dialled = 0;
  /** How much passes at this moment. */
  busy = 0;
  refusal: Refusal | undefined;
  /** The only token that lets in, where one is needed. */
  token: string | undefined;
  readonly #servers: TcpServer[] = [];
  readonly #sockets = new Set<Duplex>();

  /** `relays` false: large bodies go through this process, too. */
  constructor({ relays = true }: { readonly relays?: boolean } = {}) {
    this.doors = new LoopbackDoors(relays ? resolvePath("dist/tenki-guest") : undefined);
  }

  async serve(server: Server | TcpServer): Promise<number> {
    this.#servers.push(server);
    server.on("connection", (socket: Socket) => this.#sockets.add(socket.on("error", () => undefined)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  }

  /** A service of a few lines; resolves with the port of a door to it. */
  async openTo(listener: Parameters<typeof createServer>[1]): Promise<number> {
    return this.open(await this.serve(createServer(listener)));
  }

  /** As `openTo`, for a service that says what it likes. */
  async openToRaw(listener: (socket: Socket) => void): Promise<number> {
    return this.open(await this.serve(createTcpServer({ allowHalfOpen: true }, listener)));
  }

  open(port: number, protocol: "http" | "tcp" = "http"): Promise<number> {
    const admit = (token?: string): Admission => {
      if (this.token !== undefined && token !== this.token) return { admitted: false, why: "private" };
      if (this.refusal !== undefined) return { admitted: false, why: this.refusal };
      return { admitted: true, way: this.#way(port) };
    };
    const isPrivate = this.token !== undefined;
    return this.doors.open({ id: "door-0001", protocol, gate: { isPrivate, admit } });
  }

  close(): void {
    this.doors.close("door-0001");
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #way(port: number) {
    return {
      key: String(port),
      port,
      dial: () => this.#dial(port),
      begin: () => {
        this.busy += 1;
        return () => void (this.busy -= 1);
      },
      touch: () => undefined,
    };
  }

  #dial(port: number): Promise<Duplex> {
    this.dialled += 1;
    return new Promise((resolve, reject) => {
      const socket = connectTaken(port, () => resolve(socket));
      socket.once("error", () => reject(new DialError("refused", "connection refused")));
    });
  }
}

/** As the runtime's: of what was received nothing is left once it was handed out. */
function connectTaken(port: number, onConnect: () => void): TakenStream {
  const buffer = Buffer.alloc(64 << 10);
  const callback = (count: number): boolean => {
    const bytes = buffer.subarray(0, count);
    if (stream.taker === undefined) return stream.push(Buffer.from(bytes));
    stream.taker(bytes);
    bytes.fill("~");
    return true;
  };
  const onread = { buffer, callback };
  const stream: Socket & TakenStream = Object.assign(
    connect({ port, host: "127.0.0.1", allowHalfOpen: true, onread }, onConnect),
    { taker: undefined },
  );
  return stream;
}

/** Sends bytes as they are, and resolves with all that comes back until the other side ends. */
export function sendRaw(port: number, ...parts: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    let said = "";
    socket.on("data", (chunk: Buffer) => (said += chunk.toString("latin1")));
    socket.once("error", reject);
    socket.once("end", () => {
      socket.destroy();
      resolve(said);
    });
    for (const part of parts) socket.write(part, "latin1");
  });
}
