import type { EgressRule } from "../../../domain/egress.js";

export interface NetworkPolicy {
  /** False: no packet leaves the sandbox, names do not resolve. */
  readonly outbound: boolean;
  /** True: programs of the machine's own may connect to the sandbox's address. Default: nobody may. */
  readonly inbound?: boolean | undefined;
  /** Where outbound is on: all that it may reach. Undefined: the world. */
  readonly egress?: readonly EgressRule[] | undefined;
}

/** What was not on a sandbox's list, counted since its network was made. */
export interface Refused {
  readonly packets: number;
  /** Questions about names. */
  readonly names: number;
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
  /** Whether a list can be held to; where not, `attach` refuses a policy with one. */
  readonly holdsToLists: boolean;
  attach(policy: NetworkPolicy): Promise<NetworkAttachment>;
  /** Idempotent: a handle that is gone is a success. */
  detach(handle: string): Promise<void>;
  /** Undefined where there is no list. */
  refused(handle: string): Promise<Refused | undefined>;
  /** After a restart: removes whatever of ours belongs to no handle in `keep`, and holds the others to their policy. */
  sweep(keep: ReadonlyMap<string, NetworkPolicy>): Promise<void>;
  /** Removes everything of ours, shared parts included; nothing is attached any more. */
  close(options: { readonly removeShared: boolean }): Promise<void>;
}
