import { constants } from "node:os";
import { DialError, type DialFailure } from "../../../domain/dial.js";
import { namePath } from "../../../domain/name-path.js";
import type { DialTarget, GuestStream } from "../../core/ports/runtime.js";
import type { GuestConnection } from "./connection.js";
import { describeErrno, expectFrame, type GuestFailure, readFailure } from "./guest-error.js";
import { LinkedStream } from "./linked-stream.js";
import { PayloadWriter } from "./payload.js";
import { dialKinds, down, errorReason, request } from "./protocol.js";

/** The kernel itself gives up after some two minutes. */
const timeoutMsMax = 150_000;
/** What the guest may take beyond the time that it was given. */
const graceMs = 5_000;

const boundTimeout = (timeoutMs: number): number =>
  timeoutMs === 0 ? timeoutMsMax : Math.min(Math.ceil(timeoutMs), timeoutMsMax);

/** How long the guest may be silent over it. */
export const dialPatienceMs = (timeoutMs: number): number => boundTimeout(timeoutMs) + graceMs;

/** Asks the guest to connect. The connection becomes the stream where it did. */
export async function dialGuest(
  connection: GuestConnection,
  target: DialTarget,
  timeoutMs: number,
): Promise<GuestStream> {
  const isPort = "port" in target;
  const payload = new PayloadWriter()
    .u8(isPort ? dialKinds.port : dialKinds.unixSocket)
    .u32(isPort ? target.port : 0)
    .string(isPort ? "" : target.unixSocketPath)
    .u32(boundTimeout(timeoutMs));
  void connection.send(request.dial, payload.finish());
  const frame = await connection.next();
  const failure = readFailure(frame);
  if (failure !== undefined) throw dialError(failure, target) ?? expectFrame(frame, down.connected);
  expectFrame(frame, down.connected).finish();
  return takeStream(connection);
}

/** What follows is the connection's own. */
export function takeStream(connection: GuestConnection): GuestStream {
  const { socket, received } = connection.release();
  return new LinkedStream(socket, received);
}

/** Undefined for what has nothing to do with who was dialled. */
function dialError(failure: GuestFailure, target: DialTarget): DialError | undefined {
  const { errno, reason } = failure;
  const why = reason === errorReason.pathDenied ? "path_denied" : failures.get(errno);
  if (why === undefined) return undefined;
  return new DialError(why, describe(why, errno, target), { errno });
}

const failures: ReadonlyMap<number, DialFailure> = new Map([
  [constants.errno.ECONNREFUSED, "refused"],
  [constants.errno.ETIMEDOUT, "timeout"],
  [constants.errno.ECONNRESET, "reset"],
]);

function describe(why: DialFailure, errno: number, target: DialTarget): string {
  const what = "port" in target ? `port ${target.port} of the sandbox` : target.unixSocketPath;
  if (why === "refused") return `nothing listens on ${what}`;
  if (why === "timeout") return `no answer in time from ${what}`;
  if (why === "reset") return `the connection to ${what} broke off`;
  const text = pathTexts.get(errno) ?? describeErrno(errno);
  return namePath(`path_denied: ${text}`, what);
}

const pathTexts: ReadonlyMap<number, string> = new Map([
  [constants.errno.EACCES, "outside /home/tenki, /tmp, /run and /var/run, or not open to the sandbox's user"],
  [constants.errno.ENOTSOCK, "not a socket"],
]);
