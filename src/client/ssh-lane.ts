import type { Socket } from "node:net";
import { laneFrames, laneRules } from "../domain/run-lane.js";
import { type SshLaneEnd, sshLaneProtocol } from "../domain/ssh-lane.js";
import { startDeadline } from "../lib/deadline.js";
import { FrameSource } from "../lib/frames.js";
import { authenticationHeaders } from "./authentication.js";
import { isOwnSocket } from "./lane-socket.js";
import type { Rpc } from "./rpc.js";
import { endOfSsh, type LoginRefusalListener, readLoginRefusal } from "./ssh-connection.js";
import { bridgePath } from "./ssh-gateway.js";
import { upgradeLocally } from "./upgrade-locally.js";

const handshakeTimeoutMs = 15_000;

export interface SSHLaneOptions {
  /** As the service has told it. */
  readonly laneSocket: string;
  readonly onLoginRefused: LoginRefusalListener;
}

/**
 * What the engine says beside an SSH connection whose bytes do not go through it. Ahead of that it sends, by `socket`, the
 * one that they go through, to a process that can receive it: nothing is read here before `end` is called.
 */
export class SSHLane {
  readonly socket: Socket;
  readonly #onLoginRefused: LoginRefusalListener;

  constructor(socket: Socket, onLoginRefused: LoginRefusalListener) {
    this.socket = socket;
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
    const { code, reason } = JSON.parse(payload.toString()) as SshLaneEnd;
    const failure = endOfSsh(code, reason);
    if (failure !== undefined) throw failure;
  }
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
    const socket = await upgradeLocally({
      ...{ socketPath: laneSocket, path: bridgePath(sessionId), protocol: sshLaneProtocol },
      ...{ headers: authenticationHeaders(settings.token), signal: opening.signal },
    });
    return socket && new SSHLane(socket, options.onLoginRefused);
  } finally {
    opening.clear();
  }
}
