import type { Socket } from "node:net";
import { laneFrames, laneRules } from "../domain/run-lane.js";
import { type SshLaneEnd, sshLaneProtocol } from "../domain/ssh-lane.js";
import { type Burst, BurstSource } from "../lib/burst-source.js";
import { startDeadline } from "../lib/deadline.js";
import { FrameSource } from "../lib/frames.js";
import type { RelayProcess } from "../lib/relay-process.js";
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
  /** Starts who passes bursts of what comes down on; undefined where there is nobody. */
  readonly startRelay?: ((lane: Socket) => RelayProcess | undefined) | undefined;
}

/** The bytes of an SSH connection over the engine's unix socket. What goes up is written to `socket`. */
export class SSHLane {
  readonly socket: Socket;
  readonly #options: SSHLaneOptions;
  readonly #source: BurstSource;
  #hasEnded = false;

  constructor(socket: Socket, options: SSHLaneOptions) {
    this.socket = socket;
    this.#options = options;
    const source = new FrameSource(socket, laneRules);
    this.#source = new BurstSource({
      ...{ socket, source, kinds: new Set([laneFrames.data]), start: options.startRelay },
    });
  }

  /** The next bytes, or a burst of them; null when the other side has closed. Throws where it should not have. */
  async read(): Promise<Uint8Array | Burst | null> {
    for (;;) {
      const frame = await this.#source.next().catch(() => undefined);
      if (frame === undefined && this.#hasEnded) return null; // it has ended as we have
      if (frame === undefined) throw endOfSsh(1006, "");
      if ("pass" in frame) return frame;
      if (frame.kind === laneFrames.data) return frame.payload;
      if (frame.kind === laneFrames.end) return this.#ended(frame.payload);
      const refusal = readLoginRefusal(frame.payload.toString());
      if (refusal !== undefined) this.#options.onLoginRefused(refusal);
    }
  }

  /** The socket was given to somebody who writes to it, which has kept us from reading. */
  readOn(): void {
    if (!this.#source.isHandedOver) this.socket.read(0);
  }

  /** Nothing more goes up. A socket that breaks off ends by itself, so that alone does not tell who began. */
  end(): void {
    this.#hasEnded = true;
    this.socket.end();
  }

  /** At once, in both directions. */
  terminate(): void {
    this.#source.stop();
    this.socket.destroy();
  }

  #ended(payload: Buffer): null {
    const { code, reason } = JSON.parse(payload.toString()) as SshLaneEnd;
    const failure = endOfSsh(code, reason);
    if (failure !== undefined) throw failure;
    return null;
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
    return socket && new SSHLane(socket, options);
  } finally {
    opening.clear();
  }
}
