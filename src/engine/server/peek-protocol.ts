import type { Socket } from "node:net";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/**
 * Finds out by the first bytes which protocol a connection speaks, and puts them back. Resolves with undefined
 * when it says too little within `timeoutMs`, or goes away.
 */
export function peekProtocol(socket: Socket, timeoutMs: number): Promise<"h1" | "h2" | undefined> {
  return new Promise((resolve) => {
    let seen: Buffer = Buffer.alloc(0);
    const timer = setTimeout(() => settle(undefined), timeoutMs);
    const gone = () => settle(undefined);
    const read = () => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const protocol = decide(seen);
      if (protocol !== undefined) settle(protocol);
    };
    function settle(protocol: "h1" | "h2" | undefined): void {
      clearTimeout(timer);
      socket.off("readable", read).off("end", gone).off("error", gone).off("close", gone);
      if (protocol !== undefined) socket.unshift(seen);
      resolve(protocol);
    }
    socket.on("readable", read).on("end", gone).on("error", gone).on("close", gone);
  });
}

/** Undefined as long as it could still become either. */
function decide(seen: Buffer): "h1" | "h2" | undefined {
  const length = Math.min(seen.length, preface.length);
  if (!seen.subarray(0, length).equals(preface.subarray(0, length))) return "h1";
  return length === preface.length ? "h2" : undefined;
}
