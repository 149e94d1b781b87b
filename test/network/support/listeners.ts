import { createSocket } from "node:dgram";
import { createServer, type Socket } from "node:net";
import { pathToFileURL } from "node:url";

export interface Listener {
  readonly protocol: "tcp" | "udp" | "dns";
  readonly host: string;
  readonly port: number;
}

export interface Listening {
  /** One line for each connection or datagram that arrived: `protocol host:port from source`. */
  readonly arrived: string[];
  close(): Promise<void>;
}

/** The address that the pretended resolver gives to every name. */
export const dnsAnswer = "203.0.113.99";

/** Servers that tell whoever asks from where it came, and keep a list of who did. */
export async function listen(
  listeners: readonly Listener[],
  onArrival?: (line: string) => void,
): Promise<Listening> {
  const arrived: string[] = [];
  const closers: (() => Promise<void>)[] = [];
  const note = (line: string) => {
    arrived.push(line);
    onArrival?.(line);
  };
  for (const { protocol, host, port } of listeners) {
    const line = (source: string | undefined) => `${protocol} ${host}:${port} from ${source}`;
    if (protocol !== "udp")
      closers.push(await listenTcp(host, port, protocol, (source) => note(line(source))));
    if (protocol !== "tcp")
      closers.push(await listenUdp(host, port, protocol, (source) => note(line(source))));
  }
  return {
    arrived,
    close: async () => {
      await Promise.all(closers.map((close) => close()));
    },
  };
}

async function listenTcp(
  host: string,
  port: number,
  protocol: "tcp" | "dns",
  note: (source: string | undefined) => void,
): Promise<() => Promise<void>> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined).on("close", () => open.delete(socket));
    note(socket.remoteAddress);
    if (protocol === "tcp") socket.end(`hello ${socket.remoteAddress}`);
    else socket.once("data", (question) => socket.end(withLength(answerTo(question.subarray(2)))));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, ipv6Only: true }, resolve);
  });
  return () =>
    new Promise((resolve) => {
      for (const socket of open) socket.destroy();
      server.close(() => resolve());
    });
}

async function listenUdp(
  host: string,
  port: number,
  protocol: "udp" | "dns",
  note: (source: string) => void,
): Promise<() => Promise<void>> {
  const socket = createSocket({ type: host.includes(":") ? "udp6" : "udp4", ipv6Only: host.includes(":") });
  socket.on("message", (message, from) => {
    note(from.address);
    const reply = protocol === "udp" ? Buffer.from(`hello ${from.address}`) : answerTo(message);
    socket.send(reply, from.port, from.address, () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, host, resolve);
  });
  return () => new Promise((resolve) => socket.close(() => resolve()));
}

/** One A record for whatever was asked. */
function answerTo(question: Buffer): Buffer {
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(1, 6);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...dnsAnswer.split(".").map(Number)]);
  return Buffer.concat([header, question.subarray(12), record]);
}

export function withLength(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await listen(JSON.parse(process.argv[2] ?? "[]") as Listener[], (line) =>
    process.stdout.write(`${line}\n`),
  );
  process.stdout.write("ready\n");
  // Said back behind all that has arrived: whoever hears it has heard the rest.
  process.stdin.on("data", (mark) => process.stdout.write(mark));
}
