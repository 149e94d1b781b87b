import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { sshLaneProtocol } from "../../domain/ssh-lane.js";
import { TenkiError } from "../../domain/error.js";
import type { Logger } from "../../lib/logger.js";
import type { Credentials } from "../core/access/credentials.js";
import type { GuestProcess } from "../core/ports/runtime.js";
import type { Sessions } from "../core/sessions/sessions.js";
import type { SshClient, SshServers } from "../core/ssh/ssh-servers.js";
import { credentialHeader } from "../server/auth.js";
import { readToken } from "../server/token.js";
import { toHeaders } from "../server/universal-request.js";
import { refuse, type UpgradeRoute } from "../server/upgrades.js";
import { untilStopping } from "./cut-off.js";
import { LaneCaller, type SshCaller, WebSocketCaller } from "./ssh-caller.js";
import { carrySsh, toClosing } from "./ssh-stream.js";

export interface SshBridgeOptions {
  readonly sessions: Sessions;
  readonly sshServers: SshServers;
  /** Throws where the API's token is missing or wrong. */
  readonly checkToken: (token: string | undefined) => void;
  /** Open the lane as well: who comes by it twice needs the token once. */
  readonly credentials: Pick<Credentials, "issue" | "verify">;
  /** Connections that come earlier wait for it. */
  readonly ready: Promise<unknown>;
  /** Ends all connections. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

const prefix = "/v1/ssh/";
/** SSH sends packets of 32 KiB; who puts several into a message need not put more. */
const messageBytesMax = 1 << 20;

/** The way to a session's SSH server: a WebSocket whose binary messages are the bytes of the connection. */
export function sshBridgeRoute(options: SshBridgeOptions): UpgradeRoute {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: messageBytesMax,
    perMessageDeflate: false, // what SSH sends cannot be compressed
  });
  return {
    prefix,
    handle(request, socket, head) {
      if (request.headers.upgrade === sshLaneProtocol) {
        const caller = new LaneCaller(socket);
        void serve(options, { request, socket, lane: caller, accept: () => Promise.resolve(caller) });
      } else {
        const accept = () => acceptWebSocket(sockets, request, socket, head);
        void serve(options, { request, socket, accept });
      }
    },
  };
}

interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** Who brings a wire along. */
  readonly lane?: LaneCaller;
  /** Never resolves where the request is no proper WebSocket's: that was told, and the socket is closed. */
  readonly accept: () => Promise<SshCaller>;
}

const acceptWebSocket = (
  sockets: WebSocketServer,
  ...upgrade: [IncomingMessage, Duplex, Buffer]
): Promise<SshCaller> =>
  new Promise((resolve) =>
    sockets.handleUpgrade(...upgrade, (accepted) => resolve(new WebSocketCaller(accepted))),
  );

/** Never fails: what goes wrong is told to the client. The server is started first, so that a refusal is an HTTP status. */
async function serve(options: SshBridgeOptions, upgrade: Upgrade): Promise<void> {
  const { request, socket, lane, accept } = upgrade;
  const left = new AbortController();
  const call = untilStopping(left.signal, options.stopping);
  const leave = () => left.abort(new TenkiError("cancelled", "the client went away"));
  socket.once("close", leave);
  let process: GuestProcess | undefined;
  try {
    const sessionId = admit(options, request, lane);
    // Who comes by the engine's socket has no address, and is on this machine.
    const clientAddress = request.socket.remoteAddress ?? "127.0.0.1";
    await options.ready;
    call.signal.throwIfAborted();
    process = await connect(options, { sessionId, clientAddress, wire: lane?.wire }, call.signal);
    call.signal.addEventListener("abort", () => process?.close(), { once: true });
    const accepted = await Promise.race([accept(), gone(call.signal)]);
    socket.off("close", leave); // from here on the caller's own end counts
    if (accepted !== undefined) await carrySsh(accepted, process, { ...options, sessionId });
  } catch (error) {
    const { status, text } = toRefusal(error);
    if (lane?.isInvited === true) lane.close(...toClosing(error, options.stopping));
    else refuse(socket, status, text);
  } finally {
    process?.close();
    call.clear();
  }
}

/** Which session, for whom may ask. */
function admit(
  { checkToken, credentials }: SshBridgeOptions,
  request: IncomingMessage,
  lane: LaneCaller | undefined,
): string {
  const { pathname } = new URL(request.url ?? "", "http://engine");
  const sessionId = pathname.slice(prefix.length).toLowerCase();
  const pass = request.headers[credentialHeader];
  if (lane !== undefined && typeof pass === "string") {
    if (credentials.verify(pass).toLowerCase() === sessionId) return sessionId;
    throw new TenkiError("permission_denied", "the credential is for another session than the request");
  }
  checkToken(readToken(toHeaders(request)));
  lane?.give(credentials.issue(sessionId));
  return sessionId;
}

function connect(
  { sessions, sshServers }: SshBridgeOptions,
  client: SshClient,
  signal: AbortSignal,
): Promise<GuestProcess> {
  sessions.requireRunning(client.sessionId);
  try {
    sshServers.requireServer();
  } catch (cause) {
    throw new TenkiError("unavailable", (cause as Error).message, { cause });
  }
  return sshServers.connect(client, signal);
}

const gone = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });

const statuses: Readonly<Record<string, string>> = {
  unauthenticated: "401 Unauthorized",
  permission_denied: "403 Forbidden",
  not_found: "404 Not Found",
  failed_precondition: "409 Conflict",
};

function toRefusal(error: unknown): { readonly status: string; readonly text: string } {
  const unavailable = "503 Service Unavailable";
  if (!(error instanceof TenkiError)) return { status: unavailable, text: "the ssh connection failed" };
  return { status: statuses[error.kind] ?? unavailable, text: error.message };
}
