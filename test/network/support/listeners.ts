import { createSocket } from "node:dgram";
import { createServer, type Socket } from "node:net";
import { pathToFileURL } from "node:url";

export interface Listener {
  readonly protocol: "tcp" | "udp" | "dns";
  readonly host: string;
  readonly port: number;
  /** What a name server answers; without it every name has one address. */
  readonly zone?: Readonly<Record<string, { readonly ttl: number; readonly addresses: readonly string[] }>>;
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
  for (const { protocol, host, port, zone } of listeners) {
    const line = (source: string | undefined) => `${protocol} ${host}:${port} from ${source}`;
    if (protocol !== "udp")
      closers.push(await listenTcp(host, port, protocol, (source) => note(line(source))));
    if (protocol !== "tcp")
      closers.push(
        await listenUdp(host, port, protocol, {
          note: (source) => note(line(source)),
          answer: zone === undefined ? answerTo : await answerFrom(zone),
        }),
      );
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
  { note, answer }: { note: (source: string) => void; answer: (question: Buffer) => Buffer },
): Promise<() => Promise<void>> {
  const socket = createSocket({ type: host.includes(":") ? "udp6" : "udp4", ipv6Only: host.includes(":") });
  socket.on("message", (message, from) => {
    note(from.address);
    const reply = protocol === "udp" ? Buffer.from(`hello ${from.address}`) : answer(message);
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

/** As a name server of the world's would; loaded where it is used, for not everybody can. */
async function answerFrom(zone: NonNullable<Listener["zone"]>): Promise<(question: Buffer) => Buffer> {
  const { default: packets } = await import("dns-packet");
  return (message) => {
    const { id, questions } = packets.decode(message);
    const name = questions[0]?.name ?? "";
    const known = zone[name.toLowerCase()];
    const addresses = questions[0]?.type === "A" ? (known?.addresses ?? []) : [];
    return packets.encode({
      type: "response",
      id,
      flags: packets.RECURSION_AVAILABLE | (known === undefined ? 3 : 0),
      questions,
      answers: addresses.map((data) => ({ type: "A", class: "IN", name, ttl: known?.ttl ?? 0, data })),
    });
  };
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
