import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

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
  readonly #address: string;
  readonly #answer: Answer;
  readonly #datagrams: Datagrams;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  #asked = 0;

  constructor(address: string, answer: Answer) {
    this.#address = address;
    this.#answer = answer;
    this.#datagrams = createSocket("udp4");
    this.#datagrams.on("message", (question, from) => {
      void this.#reply(question, (reply) =>
        this.#datagrams.send(reply, from.port, from.address, () => undefined),
      );
    });
    this.#server = createServer((socket) => this.#hear(socket));
    this.#server.maxConnections = maxConnections;
  }

  async listen(): Promise<NamePorts> {
    this.#datagrams.bind(0, this.#address);
    this.#server.listen(0, this.#address);
    await Promise.all([once(this.#datagrams, "listening"), once(this.#server, "listening")]);
    // What goes wrong from here on is a guest's own.
    this.#datagrams.on("error", () => undefined).unref();
    this.#server.on("error", () => undefined).unref();
    return { udp: this.#datagrams.address().port, tcp: (this.#server.address() as AddressInfo).port };
  }

  close(): void {
    try {
      this.#datagrams.close();
    } catch {
      // It did not begin to listen, or is closed already.
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
