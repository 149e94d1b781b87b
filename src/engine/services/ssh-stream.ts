import type { WebSocket } from "ws";
import { TenkiError } from "../../domain/error.js";
import type { Logger } from "../../lib/logger.js";
import type { GuestProcess } from "../core/ports/runtime.js";
import { untilStopping } from "./cut-off.js";
import { followProcess } from "./follow-process.js";
import { SocketBytes } from "./socket-bytes.js";
import { SshServerLog } from "./ssh-server-log.js";

export interface CarryOptions {
  readonly sessionId: string;
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

/** What is sent and has not left yet may be so much before the server is held back. */
const waitingBytesMax = 256 << 10;
/** Proxies on the way close what is silent. */
const pingMs = 30_000;
/** How long a server may take to end once its client has gone. */
const goneGraceMs = 10_000;

const closeCodes = { normal: 1000, goingAway: 1001, failed: 1011 } as const;

/** Carries the bytes between a client and the server that was started for it, until either ends. */
export async function carrySsh(
  socket: WebSocket,
  process: GuestProcess,
  { sessionId, stopping, log }: CarryOptions,
): Promise<void> {
  const lost = new AbortController();
  const call = untilStopping(lost.signal, stopping);
  const said = new SshServerLog(log, sessionId);
  const pings = setInterval(() => socket.ping(), pingMs);
  let grace: NodeJS.Timeout | undefined;
  socket.once("close", () => {
    clearInterval(pings);
    grace = setTimeout(() => lost.abort(), goneGraceMs);
  });
  try {
    const input = { open: true, closesAtEnd: true, signal: call.signal, frames: toInput(socket) };
    for await (const event of followProcess(process, input)) {
      if (event.kind === "stdout") await send(socket, event.data);
      else if (event.kind === "stderr") said.add(event.data);
      else if (event.kind === "exit") said.exited(event.exit.exitCode);
    }
    socket.close(closeCodes.normal);
  } catch (error) {
    socket.close(...toClosing(error));
  } finally {
    clearInterval(pings);
    clearTimeout(grace);
    call.clear();
    said.end();
  }
}

async function* toInput(socket: WebSocket) {
  for await (const data of new SocketBytes(socket)) yield { kind: "stdin" as const, data };
}

/** Resolves when more may be sent. What a client does not get any more is nobody's matter. */
async function send(socket: WebSocket, data: Uint8Array): Promise<void> {
  if (socket.readyState !== socket.OPEN) return;
  await new Promise<void>((resolve) => {
    socket.send(data, { binary: true }, () => resolve());
    if (socket.bufferedAmount < waitingBytesMax) resolve();
  });
}

function toClosing(error: unknown): [code: number, reason: string] {
  const isKnown = error instanceof TenkiError;
  if (isKnown && error.kind === "unavailable") return [closeCodes.goingAway, error.message];
  if (isKnown && error.kind === "failed_precondition") return [closeCodes.goingAway, error.message];
  return [closeCodes.failed, "the ssh connection failed"];
}
