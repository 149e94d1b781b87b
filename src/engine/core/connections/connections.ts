import { posix } from "node:path";
import { homeDirectory } from "../../../domain/file.js";
import { TenkiError } from "../../../domain/error.js";
import { callGuest } from "../commands/guest-calls.js";
import type { Clock } from "../ports/clock.js";
import type { DialTarget, GuestStream, Runtime } from "../ports/runtime.js";
import type { Sessions } from "../sessions/sessions.js";
import { HostPortTunnel } from "./host-port-tunnel.js";

/** Long enough for anybody who is there at all: nothing leaves the sandbox. */
const connectMsByDefault = 10_000;
const loopback = "127.0.0.1";

export interface ConnectionsOptions {
  readonly sessions: Sessions;
  readonly runtime: Runtime;
  readonly clock: Clock;
}

/** Connections into sandboxes and out of them. A session is busy for as long as one is open. */
export class Connections {
  readonly #options: ConnectionsOptions;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** Connects to what listens inside; a unix socket's relative path begins at the home directory. Throws `DialError`. */
  async dial(
    sessionId: string,
    target: DialTarget,
    { timeoutMs = 0 }: { readonly timeoutMs?: number },
    signal: AbortSignal,
  ): Promise<GuestStream> {
    const { sessions, runtime } = this.#options;
    const checked = checkTarget(target);
    const options = { timeoutMs: timeoutMs || connectMsByDefault };
    const stream = await callGuest(sessions, sessionId, () =>
      runtime.dial(sessionId, checked, options, signal),
    );
    stream.once("close", sessions.hold(sessionId));
    return stream;
  }

  /** Listens inside for what is carried elsewhere; port 0 picks one. */
  async tunnel(
    sessionId: string,
    { address, port }: { readonly address: string; readonly port: number },
    signal: AbortSignal,
  ): Promise<HostPortTunnel> {
    const { sessions, runtime, clock } = this.#options;
    const at = { address: address || loopback, port: checkPort(port, 0) };
    const listener = await callGuest(sessions, sessionId, () => runtime.listen(sessionId, at, signal));
    return new HostPortTunnel(listener, clock, sessions.hold(sessionId));
  }
}

function checkTarget(target: DialTarget): DialTarget {
  if ("port" in target) return { port: checkPort(target.port, 1) };
  const { unixSocketPath } = target;
  if (unixSocketPath.includes("\0")) {
    throw new TenkiError("invalid_argument", "a path cannot hold a NUL byte");
  }
  return { unixSocketPath: posix.resolve(homeDirectory, unixSocketPath) };
}

function checkPort(port: number, least: number): number {
  if (Number.isInteger(port) && port >= least && port <= 65_535) return port;
  throw new TenkiError("invalid_argument", `no port: ${port}`);
}
