import type { EgressUse } from "../../../domain/egress.js";
import type { Fields } from "../view.js";

/** Null where there is no list; what was refused is packets, and questions about names. */
export const egressFields = (use: EgressUse | undefined): Fields => ({
  allow_egress: use?.allow ?? null,
  egress_refused_packets: use?.allow === undefined ? null : use.refusedPackets,
  egress_refused_names: use?.allow === undefined ? null : use.refusedNames,
});
