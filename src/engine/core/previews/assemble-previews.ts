import type { Logger } from "../../../lib/logger.js";
import type { Access } from "../access/access.js";
import type { Clock } from "../ports/clock.js";
import type { Doors } from "../ports/doors.js";
import type { PreviewStore } from "../ports/preview-store.js";
import type { Store } from "../ports/store.js";
import type { Sessions } from "../sessions/sessions.js";
import type { WorkspaceLimits } from "../workspace/workspace-limits.js";
import { Exposures } from "./exposures.js";
import { type Dial, Gates } from "./gates.js";
import { PreviewAddresses } from "./preview-addresses.js";
import { PreviewLives } from "./preview-lives.js";
import { PreviewNames } from "./preview-names.js";
import { PreviewTable } from "./preview-table.js";
import { Previews } from "./previews.js";
import { ViewerTokens } from "./viewer-tokens.js";
import { Viewings } from "./viewings.js";

export interface AssemblePreviewsOptions {
  readonly store: Store & { readonly previews: PreviewStore };
  readonly sessions: Sessions;
  readonly access: Access;
  readonly limits: WorkspaceLimits;
  readonly doors: Doors;
  readonly dial: Dial;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default: there are doors on loopback only. */
  readonly domain?: string | undefined;
  readonly engineUrl: () => string;
}

/** Everything that leads from outside to a port. */
export interface PreviewParts {
  readonly previews: Previews;
  readonly exposures: Exposures;
  readonly names: PreviewNames;
  readonly viewings: Viewings;
  readonly lives: PreviewLives;
}

export function assemblePreviews(options: AssemblePreviewsOptions): PreviewParts {
  const { store, sessions, access, limits, doors, clock } = options;
  const table = new PreviewTable(store.previews, clock);
  const tokens = new ViewerTokens(store, clock);
  const gates = new Gates({ ...options, table, tokens });
  const { domain, engineUrl } = options;
  const addresses = new PreviewAddresses({ domain, engineUrl, workspaceId: access.workspaceId });
  const previews = new Previews({ table, gates, doors, addresses, sessions });
  return {
    previews,
    exposures: new Exposures(previews, clock),
    names: new PreviewNames({ previews, limits, access }),
    viewings: new Viewings({ previews, gates, tokens, sessions, clock }),
    lives: new PreviewLives({ ...options, previews, gates }),
  };
}
