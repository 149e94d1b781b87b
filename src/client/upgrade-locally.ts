import { connect, type Socket } from "node:net";

export interface LocalUpgrade {
  readonly socketPath: string;
  readonly path: string;
  readonly protocol: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

const longestHeadBytes = 16 << 10;

/**
 * An HTTP/1.1 upgrade over a unix socket, in a few lines: Node's own HTTP takes longer to load than all of it takes.
 * Undefined where there is nobody, or something else is answered.
 */
export function upgradeLocally(upgrade: LocalUpgrade): Promise<Socket | undefined> {
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
      settle(end !== -1 && isChanged ? seen.subarray(end + 4) : undefined);
    };
    function settle(rest: Buffer | undefined): void {
      signal.removeEventListener("abort", giveUp);
      socket.off("readable", read).off("end", giveUp).off("close", giveUp);
      if (rest === undefined) socket.destroy();
      else if (rest.length > 0) socket.unshift(rest);
      resolve(rest === undefined ? undefined : socket);
    }
    signal.addEventListener("abort", giveUp);
    socket.on("readable", read).on("end", giveUp).on("close", giveUp);
    socket.on("error", giveUp); // stays: whoever reads hears of the end
    socket.write(head);
  });
}

/** Undefined where something in it would be more than a header's value. */
function requestHead({ path, protocol, headers }: LocalUpgrade): string | undefined {
  const all = { host: "localhost", connection: "upgrade", upgrade: protocol, ...headers };
  const lines = [`GET ${path} HTTP/1.1`, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`)];
  return lines.every((line) => /^[\x20-\x7e]*$/.test(line)) ? `${lines.join("\r\n")}\r\n\r\n` : undefined;
}
