/** One thing that the engine needs, or would use, and whether this machine gives it. */
export interface Finding {
  /** Short and stable: `cgroups`, `overlayfs`. */
  readonly name: string;
  readonly ok: boolean;
  /** False: the engine does without, and `detail` says what is lost. */
  readonly required: boolean;
  readonly detail: string;
  /** What to run or change so that it is ok. */
  readonly hint?: string | undefined;
}
