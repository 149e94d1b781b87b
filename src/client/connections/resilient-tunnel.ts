import { setTimeout as sleep } from "node:timers/promises";
import type { DataPlane } from "../data-plane.js";
import { InvalidStateError, SandboxError, SessionTerminatedError } from "../errors.js";
import type { HostPortTunnelOptions } from "../options/connections.js";
import {
  exposeHostPort,
  type HostPortTunnel,
  type HostPortTunnelTermination,
  type TunnelTerminationReason,
} from "./host-port-tunnel.js";

export interface ResilientHostPortTunnelOptions extends HostPortTunnelOptions {
  /** Before the first try to come back. Default 250 ms; it doubles from try to try. */
  readonly initialBackoffMs?: number | undefined;
  /** Default 10 s. */
  readonly maxBackoffMs?: number | undefined;
  /** Default: every loss that is none of the host's. */
  readonly mayComeBack?: ((termination: HostPortTunnelTermination) => boolean) | undefined;
}

export type ResilientHostPortTunnelStateEvent =
  | { readonly state: "open"; readonly tunnel: HostPortTunnel }
  | {
      readonly state: "reconnecting";
      readonly reason: HostPortTunnelTermination;
      readonly attempt: number;
      readonly delayMs: number;
    }
  | { readonly state: "port-changed"; readonly previousPort: number; readonly sandboxPort: number }
  | { readonly state: "closed"; readonly reason: HostPortTunnelTermination };

const lossesToComeBackFrom: ReadonlySet<TunnelTerminationReason> = new Set([
  "transport_error",
  "engine_terminated",
  "engine_draining",
  "timeout",
]);

/** There is nothing to come back to, or no leave to. */
function isFinal(error: unknown): boolean {
  if (error instanceof SessionTerminatedError) return true;
  if (error instanceof InvalidStateError)
    return ["TERMINATING", "TERMINATED", "FAILED"].includes(error.state ?? "");
  return (
    error instanceof SandboxError &&
    ["not_found", "permission_denied", "unauthenticated"].includes(error.kind)
  );
}

/** A tunnel that comes back by itself, at the same port where that is still free. */
export class ResilientHostPortTunnel implements HostPortTunnel {
  readonly terminated: Promise<HostPortTunnelTermination>;
  readonly #dataPlane: DataPlane;
  readonly #hostAddr: string;
  readonly #options: ResilientHostPortTunnelOptions;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(event: ResilientHostPortTunnelStateEvent) => void>();
  #current: HostPortTunnel;
  #state: "open" | "reconnecting" | "closed" = "open";

  static async open(
    dataPlane: DataPlane,
    hostAddr: string,
    options: ResilientHostPortTunnelOptions = {},
  ): Promise<ResilientHostPortTunnel> {
    const first = await exposeHostPort(dataPlane, hostAddr, options);
    return new ResilientHostPortTunnel(dataPlane, hostAddr, options, first);
  }

  private constructor(
    dataPlane: DataPlane,
    hostAddr: string,
    options: ResilientHostPortTunnelOptions,
    first: HostPortTunnel,
  ) {
    this.#dataPlane = dataPlane;
    this.#hostAddr = hostAddr;
    this.#options = options;
    this.#current = first;
    this.terminated = this.#keepOpen();
  }

  get sandboxPort(): number {
    return this.#current.sandboxPort;
  }

  get sandboxAddress(): string {
    return this.#current.sandboxAddress;
  }

  get state(): "open" | "reconnecting" | "closed" {
    return this.#state;
  }

  onStateChange(heard: (event: ResilientHostPortTunnelStateEvent) => void): void {
    this.#listeners.add(heard);
  }

  onTerminated(heard: (termination: HostPortTunnelTermination) => void): void {
    void this.terminated.then(heard);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#current.close();
    await this.terminated;
  }

  async #keepOpen(): Promise<HostPortTunnelTermination> {
    for (;;) {
      const reason = await this.#current.terminated;
      const next = this.#mayComeBack(reason) ? await this.#comeBack(reason) : reason;
      if (next !== undefined) return this.#tell({ state: "closed", reason: next }).reason;
    }
  }

  #mayComeBack(termination: HostPortTunnelTermination): boolean {
    if (this.#closing.signal.aborted) return false;
    const { mayComeBack } = this.#options;
    if (mayComeBack !== undefined) return mayComeBack(termination);
    return lossesToComeBackFrom.has(termination.reason) && !isFinal(termination.error);
  }

  /** Undefined once it is open again; else why it will not be. */
  async #comeBack(lostBy: HostPortTunnelTermination): Promise<HostPortTunnelTermination | undefined> {
    const { signal } = this.#closing;
    let reason = lostBy;
    for (let attempt = 1; ; attempt++) {
      const delayMs = this.#delayMs(attempt);
      this.#tell({ state: "reconnecting", reason, attempt, delayMs });
      await sleep(delayMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return { reason: "sdk_closed" };
      try {
        await this.#reopen();
        return undefined;
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        reason = { reason: "transport_error", detail, error };
        if (!this.#mayComeBack(reason)) return signal.aborted ? { reason: "sdk_closed" } : reason;
      }
    }
  }

  async #reopen(): Promise<void> {
    const { sandboxPort } = this.#current;
    const again = { ...this.#options, sandboxPort };
    const mayMove = (this.#options.sandboxPort ?? 0) === 0;
    const next = await exposeHostPort(this.#dataPlane, this.#hostAddr, again).catch((error: unknown) => {
      if (!mayMove) throw error;
      return exposeHostPort(this.#dataPlane, this.#hostAddr, this.#options);
    });
    this.#current = next;
    if (this.#closing.signal.aborted) await next.close();
    this.#tell({ state: "open", tunnel: next });
    if (next.sandboxPort === sandboxPort) return;
    this.#tell({ state: "port-changed", previousPort: sandboxPort, sandboxPort: next.sandboxPort });
  }

  #delayMs(attempt: number): number {
    const { initialBackoffMs = 250, maxBackoffMs = 10_000 } = this.#options;
    const base = Math.min(maxBackoffMs, initialBackoffMs * 2 ** (attempt - 1));
    return Math.round(base * (0.75 + Math.random() / 2));
  }

  #tell<E extends ResilientHostPortTunnelStateEvent>(event: E): E {
    if (event.state !== "port-changed") this.#state = event.state;
    for (const heard of this.#listeners) heard(event);
    return event;
  }
}
