import { randomBytes } from "node:crypto";
import type { Network, NetworkAttachment } from "../core/ports/network.js";

/** The host's own network for everybody: nothing is made, nothing is bounded. */
export const hostNetwork: Network = {
  holdsToLists: false,
  attach: (): Promise<NetworkAttachment> =>
    Promise.resolve({
      handle: `h${randomBytes(6).toString("hex")}`,
      namespacePath: "/proc/self/ns/net",
      nameservers: [],
    }),
  detach: () => Promise.resolve(),
  refused: () => Promise.resolve(undefined),
  sweep: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
