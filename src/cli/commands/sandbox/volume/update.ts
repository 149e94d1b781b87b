import { TenkiError } from "../../../../domain/error.js";
import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findVolumeId } from "../../../find-volume.js";
import { commaList, flag, required, toggle } from "../../../flags/flag.js";
import { tag } from "../../../flags/parsers/sessions.js";
import { volume, volumeName } from "../../../flags/parsers/volumes.js";
import type { View } from "../../../output/view.js";
import { volumeView } from "../../../output/views/volume.js";
import { checkTags } from "../../../session-options.js";

export const define = command({
  description: "Only what is named changes.",
  arguments: { volume: required("VOLUME", "its id or name", volume) },
  flags: {
    name: flag("NAME", "a new name", volumeName),
    tags: commaList("A,B", "new tags in place of all it has", tag),
    clearTags: toggle("take all tags away"),
  },
  examples: [["tenki sandbox volume update cache --name npm-cache --tags ci", "another name, and a tag"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const { name, clearTags } = options;
  if (clearTags === true && options.tags.length > 0) {
    throw new TenkiError("usage", "--tags and --clear-tags contradict each other");
  }
  const tags = clearTags === true || options.tags.length > 0 ? checkTags(options.tags) : undefined;
  if (name === undefined && tags === undefined) throw new TenkiError("usage", "nothing to change");
  const client = await ctx.client();
  const id = await findVolumeId(client, options.volume);
  return volumeView(await client.updateVolume(id, { name, tags }));
}
