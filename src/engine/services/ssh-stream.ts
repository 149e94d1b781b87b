import type { WebSocket } from "ws";
import { TenkiError } from "../../domain/error.js";
import type { Logger } from "../../lib/logger.js";
import type { GuestProcess } from "../core/ports/runtime.js";
import { untilStopping } from "./cut-off.js";
import { followProcess } from "./follow-process.js";
import { SocketBytes } from "./socket-bytes.js";
import { SshRefusals } from "./ssh-refusals.js";
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

/** A close frame holds no more than 123 bytes. */
const reasonLengthMax = 120;

const closeCodes = { normal: 1000, goingAway: 1001, failed: 1011 } as const;

/** Carries the bytes between a client and the server that was started for it, until either ends. */
export async function carrySsh(
  socket: WebSocket,
  process: GuestProcess,
  { sessionId, stopping, log }: CarryOptions,
): Promise<void> {
  const lost = new AbortController();
  const call = untilStopping(lost.signal, stopping);
  const refusals = new SshRefusals(socket);
  const said = new SshServerLog(log, sessionId, (line) => refusals.hear(line));
  const bytes = new SocketBytes(socket);
  const pings = setInterval(() => socket.ping(), pingMs);
  let grace: NodeJS.Timeout | undefined;
  const onClose = () => void (grace = setTimeout(() => lost.abort(), goneGraceMs));
  socket.once("close", onClose);
  try {
    const input = { open: true, closesAtEnd: true, signal: call.signal, frames: toInput(bytes) };
    for await (const event of followProcess(process, input)) {
      if (event.kind === "stdout") await send(socket, event.data);
      else if (event.kind === "stderr") said.add(event.data);
      else if (event.kind === "exit") said.exited(event.exit.exitCode);
    }
    socket.close(closeCodes.normal);
  } catch (error) {
    socket.close(...toClosing(error, stopping));
  } finally {
    bytes.drop();
    socket.off("close", onClose);
    clearInterval(pings);
    clearTimeout(grace);
    call.clear();
    said.end();
  }
}

async function* toInput(bytes: SocketBytes) {
  for await (const data of bytes) yield { kind: "stdin" as const, data };
}

/** Resolves when more may be sent. What a client does not get any more is nobody's matter. */
async function send(socket: WebSocket, data: Uint8Array): Promise<void> {
  if (socket.readyState !== socket.OPEN) return;
  await new Promise<void>((resolve) => {
    socket.send(data, { binary: true }, () => resolve());
    if (socket.bufferedAmount < waitingBytesMax) resolve();
  });
}

function toClosing(error: unknown, stopping: AbortSignal): [code: number, reason: string] {
  if (!(error instanceof TenkiError)) return [closeCodes.failed, "the ssh connection failed"];
  const isOver = stopping.aborted || error.kind === "failed_precondition";
  return [isOver ? closeCodes.goingAway : closeCodes.failed, error.message.slice(0, reasonLengthMax)];
}
