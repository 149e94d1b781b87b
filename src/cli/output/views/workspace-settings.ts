import type { WorkspaceSettings } from "../../../domain/workspace-settings.js";
import { formatGoDuration } from "../../../lib/go-duration.js";
import { type Fields, objectView, sizeText, type View } from "../view.js";

/** What is not set is null, and `none` to a person. */
export function workspaceSettingsView(settings: WorkspaceSettings): View {
  const fields = settingsFields(settings);
  const text = Object.entries({ ...fields, ...inWords(settings) }).map(
    ([key, value]) => [key, value ?? "none"] as const,
  );
  return objectView(fields, Object.fromEntries(text));
}

const settingsFields = (settings: WorkspaceSettings): Fields => ({
  max_concurrent_sessions: settings.maxConcurrentSessions ?? null,
  max_sticky_sessions: settings.maxStickySessions ?? null,
  max_snapshots: settings.maxSnapshots ?? null,
  max_templates: settings.maxTemplates ?? null,
  max_volumes: settings.maxVolumes ?? null,
  max_preview_urls_per_project: settings.maxPreviewUrlsPerProject ?? null,
  max_preview_urls_per_workspace: settings.maxPreviewUrlsPerWorkspace ?? null,
  max_total_bytes: settings.maxTotalBytes ?? null,
  pause_retention: duration(settings.pauseRetentionMs),
  snapshot_retention: duration(settings.snapshotRetentionMs),
});

const inWords = ({ maxTotalBytes }: WorkspaceSettings): Fields =>
  maxTotalBytes === undefined ? {} : { max_total_bytes: sizeText(maxTotalBytes) };

const duration = (ms: number | undefined): string | null => (ms === undefined ? null : formatGoDuration(ms));
