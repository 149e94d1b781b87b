import { Socket } from "node:net";
import type { Readable } from "node:stream";
import type { SSHLane } from "../../client/index.js";
import { BurstMeter } from "../../lib/burst-meter.js";
import { isPlainSocket, type RelayProcess } from "../../lib/relay-process.js";
import { startBurstRelay } from "../burst-relay.js";
import type { Io, OutputStream } from "../io.js";
import { OutputClosedError, writeBytes } from "../output/write.js";
import { atMost, farewellMs } from "./relay.js";

/** As `relay`, over the engine's own socket; bursts go past this process, either way. */
export async function relayLane(lane: SSHLane, io: Io): Promise<void> {
  const stdin = openStdin(io);
  const down = passDown(lane, io.stdout);
  const up = new Upload(lane, stdin, io);
  const sent = up.run().then(() => lane.end());
  try {
    await Promise.race([down, sent.then(() => atMost(farewellMs, down))]);
  } finally {
    up.stop();
    lane.terminate();
    stdin.destroy(); // it would hold the process until ssh closes it
  }
}

/** As a socket, which can be handed to another process as process.stdin cannot: that is read on all the same. */
function openStdin({ stdin, descriptors }: Io): Readable {
  if (descriptors === undefined) return stdin;
  try {
    return new Socket({ fd: descriptors[0], readable: true, writable: false });
  } catch {
    return stdin; // it is a file, or a terminal
  }
}

async function passDown(lane: SSHLane, stdout: OutputStream): Promise<void> {
  try {
    for (let data = await lane.read(); data !== null; data = await lane.read()) {
      if (!("pass" in data)) await writeBytes(stdout, data);
      else if ((await data.pass()).why === "target_closed") return;
    }
  } catch (error) {
    if (!(error instanceof OutputClosedError)) throw error; // else ssh has gone
  }
}

/** What ssh sends, until it ends; each side is read no faster than the other one takes it. */
class Upload {
  readonly #lane: SSHLane;
  readonly #io: Io;
  readonly #stdin: Readable;
  readonly #meter = new BurstMeter();
  #ended = false;
  #wake: () => void = () => undefined;
  #relay: RelayProcess | undefined;

  constructor(lane: SSHLane, stdin: Readable, io: Io) {
    this.#lane = lane;
    this.#io = io;
    this.#stdin = stdin;
    this.#stdin.on("readable", () => this.#wake());
    for (const end of ["end", "close", "error"]) this.#stdin.once(end, () => this.#end());
  }

  /** Returns when ssh has ended. */
  async run(): Promise<void> {
    for (;;) {
      const chunk = this.#stdin.read() as Buffer | null;
      if (chunk !== null) {
        await this.#write(chunk);
        if (this.#meter.add(chunk.length)) await this.#passBurst();
      } else if (this.#ended) return;
      // Where the lane takes no more, the other direction knows how it ended.
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }

  stop(): void {
    this.#relay?.stop();
  }

  async #passBurst(): Promise<void> {
    const { socket } = this.#lane;
    const stdin = this.#stdin;
    if (!(stdin instanceof Socket) || "fd" in stdin || !isPlainSocket(socket)) return;
    const received: Buffer[] = [];
    const read = () => stdin.read() as Buffer | null;
    for (let chunk = read(); chunk !== null; chunk = read()) received.push(chunk);
    const relay = startBurstRelay(this.#io, "raw", stdin, [socket]);
    this.#lane.readOn();
    this.#relay = relay;
    for (const chunk of received) await this.#write(chunk);
    await this.#write(Buffer.alloc(0));
    await relay?.go({ kind: 0, left: 0 });
  }

  /** Resolves when it has left. */
  #write(data: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#lane.socket.write(data, () => resolve()));
  }
}
