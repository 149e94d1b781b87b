import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findVolumeId } from "../../../find-volume.js";
import { optional, required, requiredFlag, toggle } from "../../../flags/flag.js";
import { mountPath } from "../../../flags/parsers/paths.js";
import { volume } from "../../../flags/parsers/volumes.js";
import type { View } from "../../../output/view.js";
import { attachmentView } from "../../../output/views/volume.js";
import { sessionAndVolume } from "../../../session-and-volume.js";

export const define = command({
  description:
    "One session may write to a volume, or any number may read it. It stays attached while the session is paused,\n" +
    "until it is detached, or the session ends.",
  needsSession: true,
  arguments: {
    first: required("SESSION", "the session; left out: --session, TENKI_SESSION, the current one", volume),
    second: optional("VOLUME", "the volume, by its id or name", volume),
  },
  flags: {
    mount: requiredFlag("PATH", "where it is to be seen: like /data, or below /home/tenki", mountPath),
    readonly: toggle("only to read"),
  },
  examples: [
    ["tenki sandbox volume attach demo cache --mount /home/tenki/.cache", "to write"],
    ["tenki sandbox volume attach models --mount /models --readonly", "in the current session, to read"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const { session, named } = await sessionAndVolume(options, ctx);
  const id = await findVolumeId(await ctx.client(), named);
  const { mount, readonly } = options;
  return attachmentView(await session.attachVolume(id, mount, { readOnly: readonly === true }));
}
