import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findVolumeId } from "../../../find-volume.js";
import { optional, required, toggle } from "../../../flags/flag.js";
import { volume } from "../../../flags/parsers/volumes.js";
import { doneView, type View } from "../../../output/view.js";
import { sessionAndVolume } from "../../../session-and-volume.js";

export const define = command({
  description:
    "Once what was written to it is safe. Refused while a process in the session has a file open on it.",
  needsSession: true,
  arguments: {
    first: required("SESSION", "the session; left out: --session, TENKI_SESSION, the current one", volume),
    second: optional("VOLUME", "the volume, by its id or name", volume),
  },
  flags: { force: toggle("kill the processes that use it", { short: "f" }) },
  examples: [["tenki sandbox volume detach demo cache", "the volume is free for another session"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const { session, named } = await sessionAndVolume(options, ctx);
  const id = await findVolumeId(await ctx.client(), named);
  await session.detachVolume(id, { force: options.force === true });
  return doneView(`detached ${named}`, { volume_id: id, session_id: session.id });
}
