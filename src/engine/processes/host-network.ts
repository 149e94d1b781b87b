import { randomBytes } from "node:crypto";
import { TenkiError } from "../../domain/error.js";
import type { Network, NetworkAttachment, NetworkPolicy } from "../core/ports/network.js";

/** The host's own network for everybody: nothing is made, nothing is bounded. */
export const hostNetwork: Network = {
  holdsToLists: false,
  async attach({ egress }: NetworkPolicy): Promise<NetworkAttachment> {
    if (egress !== undefined)
      throw new TenkiError("failed_precondition", "the host's own network cannot be held to a list");
    return {
      handle: `h${randomBytes(6).toString("hex")}`,
      namespacePath: "/proc/self/ns/net",
      nameservers: [],
    };
  },
  detach: () => Promise.resolve(),
  refused: () => Promise.resolve(undefined),
  sweep: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
