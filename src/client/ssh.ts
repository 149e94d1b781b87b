import type { IncomingMessage } from "node:http";
import { authenticationHeaders, blankSecrets } from "./authentication.js";
import { unreachable } from "./connection-error.js";
import {
  InvalidStateError,
  PermissionDeniedError,
  SandboxError,
  SessionNotFoundError,
  SessionTerminatedError,
  SSHUnavailableError,
  UnauthorizedError,
} from "./errors.js";
import type { Rpc } from "./rpc.js";
import { type LoginRefusalListener, SSHConnection } from "./ssh-connection.js";
import { bridgeAt, findSshGateway } from "./ssh-gateway.js";

const defaultConnectTimeoutMs = 15_000;
const longestRefusalBytes = 4_096;

export interface SSHOptions {
  readonly signal?: AbortSignal | undefined;
  /** The gateway's address, where it is known: nobody is asked for it. */
  readonly gateway?: string | undefined;
  /** Default: nobody hears. Services other than tenki's engine tell nothing. */
  readonly onLoginRefused?: LoginRefusalListener | undefined;
  /** How long the gateway may say nothing at first. Default 15 s. */
  readonly connectTimeoutMs?: number | undefined;
}

/** Opens the byte stream to a session's SSH server, through the gateway that is in charge of it. */
export async function connectSsh(
  rpc: Rpc,
  sessionId: string,
  { signal, gateway, onLoginRefused, connectTimeoutMs = defaultConnectTimeoutMs }: SSHOptions = {},
): Promise<SSHConnection> {
  const { token, rootCertificates } = rpc.settings;
  const address = gateway ?? (await findSshGateway(rpc, signal));
  const url = bridgeAt(address, sessionId);
  const { WebSocket } = await import("ws");
  const socket = new WebSocket(url, {
    headers: authenticationHeaders(token),
    perMessageDeflate: false, // what SSH sends cannot be compressed
    generateMask: noMask,
    ...(rootCertificates === undefined ? {} : { ca: rootCertificates as string | Buffer | Buffer[] }),
  });
  const connection = new SSHConnection(socket, onLoginRefused);
  const abort = () => socket.terminate();
  signal?.addEventListener("abort", abort, { once: true });
  let silence: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const saidNothing = new Error(`it has said nothing for ${connectTimeoutMs / 1_000} s`);
      silence = setTimeout(() => reject(unreachable(new URL(url).origin, saidNothing)), connectTimeoutMs);
      socket.once("open", resolve);
      socket.once("unexpected-response", (_, response) => reject(refusal(response, token)));
      socket.on("error", (error) => reject(unreachable(new URL(url).origin, error)));
      if (signal?.aborted) abort();
    });
    return connection;
  } catch (error) {
    socket.terminate();
    if (signal?.aborted)
      throw new SandboxError("cancelled", "the SSH connection was cancelled", { cause: error });
    throw await error;
  } finally {
    clearTimeout(silence);
    signal?.removeEventListener("abort", abort);
  }
}

/** The mask keeps scripts of web pages from forging other protocols; here it would only cost a pass over every byte. */
const noMask = (mask: Buffer): void => void mask.fill(0);

/** What the gateway says in place of the upgrade: a status, and a line of text. */
async function refusal(response: IncomingMessage, token: string): Promise<SandboxError> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) {
    text += chunk;
    if (text.length > longestRefusalBytes) break;
  }
  const message =
    blankSecrets(text.trim(), [token]) || `the SSH gateway answered HTTP ${response.statusCode}`;
  switch (response.statusCode) {
    case 401:
      return new UnauthorizedError("unauthenticated", message, {
        hint: "run `tenki login`, or set TENKI_AUTH_TOKEN",
      });
    case 403:
      return new PermissionDeniedError("permission_denied", message);
    case 404:
      return new SessionNotFoundError("not_found", message);
    case 409:
      return wrongState(message);
    default:
      return new SSHUnavailableError("unavailable", message);
  }
}

function wrongState(message: string): SandboxError {
  const error = new InvalidStateError("failed_precondition", message);
  return error.state === "TERMINATED" ? new SessionTerminatedError(error.kind, message) : error;
}
