import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

export interface Carried {
  /** Bytes from here into the sandbox, and out of it. */
  readonly sent: number;
  readonly received: number;
  /** Set where either side broke off. */
  readonly error: Error | undefined;
}

/** Carries bytes both ways until both have ended, or one breaks off, which the other then sees as well. */
export function joinStreams(local: Socket, inside: Duplex): Promise<Carried> {
  let received = 0;
  let error: Error | undefined;
  inside.on("data", (data: Buffer) => (received += data.length));
  local.on("error", (cause) => {
    error ??= cause;
    inside.destroy();
  });
  inside.on("error", (cause) => {
    error ??= cause;
    breakOff(local);
  });
  local.on("close", () => inside.destroy());
  local.pipe(inside);
  inside.pipe(local);
  return new Promise((resolve) => {
    inside.once("close", () => {
      if (!local.writableEnded) breakOff(local);
      resolve({ sent: local.bytesRead, received, error });
    });
  });
}

/** A unix socket knows no reset. */
export function breakOff(local: Socket): void {
  if (local.remoteFamily === undefined) local.destroy();
  else local.resetAndDestroy();
}
