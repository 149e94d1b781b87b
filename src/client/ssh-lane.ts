import type { Socket } from "node:net";
import { laneFrames, laneRules } from "../domain/run-lane.js";
import { type SshLaneEnd, sshLaneProtocol, sshPassHeader } from "../domain/ssh-lane.js";
import { startDeadline } from "../lib/deadline.js";
import { FrameSource } from "../lib/frames.js";
import { authenticationHeaders, clientHeaders, credentialHeader } from "./authentication.js";
import { isOwnSocket } from "./lane-socket.js";
import type { Rpc } from "./rpc.js";
import type { ConnectionError } from "./connection-error.js";
import { endOfSsh, type LoginRefusalListener, readLoginRefusal } from "./ssh-connection.js";
import { bridgePath } from "./ssh-gateway.js";
import { requestHead, upgradeLocally } from "./upgrade-locally.js";

const handshakeTimeoutMs = 15_000;

export interface SSHLaneOptions {
  /** As the service has told it. */
  readonly laneSocket: string;
  readonly onLoginRefused: LoginRefusalListener;
}

/** What opens the same lane once more, for some minutes, without the API's token. */
export interface SSHLanePass {
  readonly laneSocket: string;
  /** All that is sent. */
  readonly request: string;
  /** In ms since 1970. */
  readonly expiresAt: number;
}

/**
 * What the engine says beside an SSH connection whose bytes do not go through it. Ahead of that it sends, by `socket`, the
 * one that they go through, to a process that can receive it: nothing is read here before `end` is called.
 */
export class SSHLane {
  readonly socket: Socket;
  /** Undefined where the service gives none. */
  readonly pass: SSHLanePass | undefined;
  readonly #onLoginRefused: LoginRefusalListener;

  constructor(socket: Socket, pass: SSHLanePass | undefined, onLoginRefused: LoginRefusalListener) {
    this.socket = socket;
    this.pass = pass;
    this.#onLoginRefused = onLoginRefused;
  }

  /** Resolves when the server has ended the connection. Throws where it should not have, or it broke off. */
  async end(): Promise<void> {
    const source = new FrameSource(this.socket, laneRules);
    this.socket.resume(); // who was given it before has kept us from reading
    for (;;) {
      const frame = await source.next().catch(() => undefined);
      if (frame === undefined) throw endOfSsh(1006, "");
      if (frame.kind === laneFrames.end) return this.#ended(frame.payload);
      const refusal = readLoginRefusal(frame.payload.toString());
      if (refusal !== undefined) this.#onLoginRefused(refusal);
    }
  }

  /** At once. */
  terminate(): void {
    this.socket.destroy();
  }

  #ended(payload: Buffer): void {
    const failure = readSshEnd(payload.toString());
    if (failure !== undefined) throw failure;
  }
}

/** The content of the lane's last frame, empty where none came; undefined where the connection ended as it should. */
export function readSshEnd(said: string): ConnectionError | undefined {
  if (said === "") return endOfSsh(1006, "");
  const { code, reason } = JSON.parse(said) as SshLaneEnd;
  return endOfSsh(code, reason);
}

/** Undefined where there is no such way: the gateway then tells what is wrong. */
export async function openSshLane(
  { settings }: Rpc,
  sessionId: string,
  options: SSHLaneOptions,
): Promise<SSHLane | undefined> {
  const { laneSocket } = options;
  if (!isOwnSocket(laneSocket, settings.endpoint)) return undefined;
  const opening = startDeadline(handshakeTimeoutMs, undefined);
  try {
    const lane = { socketPath: laneSocket, path: bridgePath(sessionId), protocol: sshLaneProtocol };
    const headers = authenticationHeaders(settings.token);
    const opened = await upgradeLocally({ ...lane, headers, signal: opening.signal });
    if (opened === undefined) return undefined;
    return new SSHLane(opened.socket, readPass(opened.head, lane), options.onLoginRefused);
  } finally {
    opening.clear();
  }
}

function readPass(
  head: string,
  lane: { readonly socketPath: string; readonly path: string; readonly protocol: string },
): SSHLanePass | undefined {
  const said = new RegExp(`^${sshPassHeader}: (\\S+) (\\d+)\r?$`, "im").exec(head);
  const [, credential = "", expiresAt = ""] = said ?? [];
  if (credential === "") return undefined;
  const request = requestHead({ ...lane, headers: { [credentialHeader]: credential, ...clientHeaders } });
  if (request === undefined) return undefined;
  return { laneSocket: lane.socketPath, request, expiresAt: Number(expiresAt) };
}
