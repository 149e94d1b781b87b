export interface NetworkPolicy {
  /** False: no packet leaves the sandbox, names do not resolve. */
  readonly outbound: boolean;
}

export interface NetworkAttachment {
  /** The adapter's own name for it; what the record keeps. */
  readonly handle: string;
  /** The network namespace to start the sandbox in. */
  readonly namespacePath: string;
  /** The sandbox's own address; absent where it has loopback only. */
  readonly address?: string | undefined;
  /** What its resolv.conf names; empty where names do not resolve. */
  readonly nameservers: readonly string[];
}

/** Gives each sandbox a network of its own, bounded by a policy that the guest cannot change. */
export interface Network {
  attach(policy: NetworkPolicy): Promise<NetworkAttachment>;
  /** Idempotent: a handle that is gone is a success. */
  detach(handle: string): Promise<void>;
  /** After a restart: removes whatever of ours belongs to no handle in `keep`. */
  sweep(keep: ReadonlySet<string>): Promise<void>;
  /** Removes everything of ours, shared parts included; nothing is attached any more. */
  close(options: { readonly removeShared: boolean }): Promise<void>;
}
