/** One thing that a workspace has a limit of, and how much of it is used. */
export interface UsageLimit {
  /** Stable, such as `active_sessions`. */
  readonly key: string;
  readonly label: string;
  readonly unit: "count" | "bytes" | "unspecified";
  readonly current: number;
  /** Unset = no limit. */
  readonly max?: number | undefined;
  readonly helpText: string;
}
