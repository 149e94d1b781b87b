import type { Client } from "../client/index.js";
import type { PreviewUrl } from "../domain/preview-url.js";
import { required } from "./flags/flag.js";
import { filled, uuid } from "./flags/parsers/words.js";

export const previewUrlArgument = required("PREVIEW-URL", "its id or its slug", {
  ...filled,
  noun: "preview URL",
  expected: "the id or the slug of a preview URL",
});

export function findPreviewUrl(client: Client, idOrSlug: string): Promise<PreviewUrl> {
  const id = uuid.read(idOrSlug);
  return id === undefined ? client.previewUrls.getBySlug(idOrSlug) : client.previewUrls.get(id);
}
