import { connect, type Socket } from "node:net";

export interface LocalUpgrade {
  readonly socketPath: string;
  readonly path: string;
  readonly protocol: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface Upgraded {
  readonly socket: Socket;
  /** Of the answer, as it came. */
  readonly head: string;
}

const longestHeadBytes = 16 << 10;

/**
 * An HTTP/1.1 upgrade over a unix socket, in a few lines: Node's own HTTP takes longer to load than all of it takes.
 * Undefined where there is nobody, or something else is answered.
 */
export function upgradeLocally(upgrade: LocalUpgrade): Promise<Upgraded | undefined> {
  const { socketPath, signal } = upgrade;
  const head = requestHead(upgrade);
  if (head === undefined || signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    let seen = Buffer.alloc(0);
    const socket = connect({ path: socketPath });
    const giveUp = () => settle(undefined);
    const read = () => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null)
        seen = Buffer.concat([seen, chunk]);
      const end = seen.indexOf("\r\n\r\n");
      if (end === -1 && seen.length < longestHeadBytes) return;
      const isChanged = seen.subarray(0, 13).toString("latin1") === "HTTP/1.1 101 ";
      settle(end !== -1 && isChanged ? end : undefined);
    };
    function settle(end: number | undefined): void {
      signal.removeEventListener("abort", giveUp);
      socket.off("readable", read).off("end", giveUp).off("close", giveUp);
      if (end === undefined) {
        socket.destroy();
        resolve(undefined);
        return;
      }
      const rest = seen.subarray(end + 4);
      if (rest.length > 0) socket.unshift(rest);
      resolve({ socket, head: seen.toString("latin1", 0, end) });
    }
    signal.addEventListener("abort", giveUp);
    socket.on("readable", read).on("end", giveUp).on("close", giveUp);
    socket.on("error", giveUp); // stays: whoever reads hears of the end
    socket.write(head);
  });
}

/** Undefined where something in it would be more than a header's value. */
export function requestHead({
  path,
  protocol,
  headers,
}: Pick<LocalUpgrade, "path" | "protocol" | "headers">): string | undefined {
  const all = { host: "localhost", connection: "upgrade", upgrade: protocol, ...headers };
  const lines = [`GET ${path} HTTP/1.1`, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`)];
  return lines.every((line) => /^[\x20-\x7e]*$/.test(line)) ? `${lines.join("\r\n")}\r\n\r\n` : undefined;
}
