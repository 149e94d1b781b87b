import type { UsageLimit } from "../../../domain/usage.js";
import type { WorkspaceSettings } from "../../../domain/workspace-settings.js";

type CountSetting = Extract<keyof WorkspaceSettings, `max${string}`>;

interface Row extends Pick<UsageLimit, "label" | "helpText"> {
  readonly key: string;
  readonly unit: "count" | "bytes";
  /** The setting that bounds it. */
  readonly setting: CountSetting;
  /** In a message, after a number. */
  readonly things: string;
  /** The flag that sets it. */
  readonly flag: string;
}

/** Everything that a workspace has a limit of, as it is shown. Keys are stable: programs look for them. */
export const limitRows = [
  {
    key: "active_sessions",
    label: "Active sessions",
    unit: "count",
    setting: "maxConcurrentSessions",
    things: "active sessions",
    flag: "max-concurrent-sessions",
    helpText: "sessions that are running, or about to; a paused one does not count",
  },
  {
    key: "sticky_sessions",
    label: "Sticky sessions",
    unit: "count",
    setting: "maxStickySessions",
    things: "sticky sessions",
    flag: "max-sticky-sessions",
    helpText: "sessions that are never paused for being idle, whatever they do now",
  },
  {
    key: "snapshots",
    label: "Snapshots",
    unit: "count",
    setting: "maxSnapshots",
    things: "snapshots",
    flag: "max-snapshots",
    helpText: "snapshots that are kept",
  },
  {
    key: "templates",
    label: "Templates",
    unit: "count",
    setting: "maxTemplates",
    things: "templates",
    flag: "max-templates",
    helpText: "templates that are kept",
  },
  {
    key: "volumes",
    label: "Volumes",
    unit: "count",
    setting: "maxVolumes",
    things: "volumes",
    flag: "max-volumes",
    helpText: "volumes, attached or not",
  },
  {
    key: "preview_urls_per_project",
    label: "Preview URLs of a project",
    unit: "count",
    setting: "maxPreviewUrlsPerProject",
    things: "preview URLs of a project",
    flag: "max-preview-urls-per-project",
    helpText: "preview URLs, bound or not, of the project that has most",
  },
  {
    key: "preview_urls_per_workspace",
    label: "Preview URLs",
    unit: "count",
    setting: "maxPreviewUrlsPerWorkspace",
    things: "preview URLs",
    flag: "max-preview-urls-per-workspace",
    helpText: "preview URLs, bound or not",
  },
  {
    key: "total_bytes",
    label: "Storage",
    unit: "bytes",
    setting: "maxTotalBytes",
    things: "of storage",
    flag: "max-total-bytes",
    helpText: "what the disks of sessions and volumes may grow to, paused sessions included, and snapshots",
  },
] as const satisfies readonly Row[];

export type LimitRow = (typeof limitRows)[number];
export type LimitedThing = LimitRow["key"];
