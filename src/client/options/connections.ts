export interface DialOptions {
  /** How long connecting may take. Default: as long as the service thinks fit. */
  readonly connectTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HostPortTunnelOptions {
  /** Where to listen inside. Default: 127.0.0.1. */
  readonly sandboxBindAddress?: string | undefined;
  /** Default 0: one that is free. */
  readonly sandboxPort?: number | undefined;
  /** What the service may call the other end. Default: the address. */
  readonly hostDialTargetLabel?: string | undefined;
  /** Called at every connection's beginning and end. */
  readonly onConnection?: ((event: TunnelConnectionEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** `failed`: the host did not answer, or broke off. */
export interface TunnelConnectionEvent {
  readonly event: "opened" | "closed" | "failed";
  readonly id: number;
  /** Who connected inside. */
  readonly sourceAddress: string;
  readonly error?: Error | undefined;
}

export interface ExposePortOptions {
  /** Default: as long as the session lives. */
  readonly ttlMs?: number | undefined;
  /** What it is called in names below a preview domain. Default: one that cannot be guessed. */
  readonly slug?: string | undefined;
  /** Bytes, whatever they say, rather than HTTP. Of tenki's engine. Default false. */
  readonly tcp?: boolean | undefined;
}
