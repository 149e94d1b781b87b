import type { WaitOptions } from "./waiting.js";

export interface DetachVolumeOptions extends WaitOptions {
  readonly force?: boolean | undefined;
  /** How long a detach may take. Default 2 minutes. */
  readonly waitTimeoutMs?: number | undefined;
}
