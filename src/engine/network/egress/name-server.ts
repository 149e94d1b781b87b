import type { Socket as Datagrams } from "node:dgram";
import type { AddressInfo, Server, Socket } from "node:net";
import type { NameSockets } from "./name-sockets.js";

/** The ports at which a sandbox's questions about names arrive. */
export interface NamePorts {
  readonly udp: number;
  readonly tcp: number;
}

type Answer = (question: Buffer) => Promise<Buffer | undefined>;

/** A guest that asks faster than it is answered gets no more. */
const maxAtOnce = 64;
const maxConnections = 16;
const maxUnreadBytes = 65_536;
const idleMs = 10_000;

/** Hears questions about names at one address, by UDP and TCP. */
export class NameServer {
  readonly ports: NamePorts;
  readonly #answer: Answer;
  readonly #datagrams: Datagrams;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  #asked = 0;

  constructor({ datagrams, server }: NameSockets, answer: Answer) {
    this.ports = { udp: datagrams.address().port, tcp: (server.address() as AddressInfo).port };
    this.#answer = answer;
    this.#datagrams = datagrams;
    this.#server = server;
    datagrams.on("message", (question, from) => {
      void this.#reply(question, (reply) => datagrams.send(reply, from.port, from.address, () => undefined));
    });
    server.maxConnections = maxConnections;
    server.on("connection", (socket) => this.#hear(socket));
    // What goes wrong from here on is a guest's own.
    datagrams.on("error", () => undefined).unref();
    server.on("error", () => undefined).unref();
  }

  close(): void {
    try {
      this.#datagrams.close();
    } catch {
      // It is closed already.
    }
    this.#server.close();
    for (const socket of this.#connections) socket.destroy();
  }

  #hear(socket: Socket): void {
    let heard: Buffer = Buffer.alloc(0);
    this.#connections.add(socket);
    socket.unref();
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on("error", () => undefined).on("close", () => this.#connections.delete(socket));
    socket.on("data", (chunk) => {
      heard = Buffer.concat([heard, chunk]);
      while (heard.length >= 2 && heard.length >= 2 + heard.readUInt16BE(0)) {
        const question = heard.subarray(2, 2 + heard.readUInt16BE(0));
        heard = heard.subarray(2 + question.length);
        void this.#reply(question, (reply) => write(socket, reply));
      }
    });
  }

  async #reply(question: Buffer, send: (reply: Buffer) => void): Promise<void> {
    if (this.#asked >= maxAtOnce) return;
    this.#asked += 1;
    try {
      const reply = await this.#answer(question);
      if (reply !== undefined) send(reply);
    } catch {
      // Who asked is not answered, and asks again.
    } finally {
      this.#asked -= 1;
    }
  }
}

/** One that asks and does not read is not kept for. */
function write(socket: Socket, reply: Buffer): void {
  if (socket.writableLength > maxUnreadBytes) socket.destroy();
  else socket.write(Buffer.concat([lengthOf(reply), reply]));
}

function lengthOf(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return length;
}
