import type { Client } from "../../../../client/index.js";
import { command, type OptionsOf, type Outcome } from "../../../command.js";
import type { Context } from "../../../context.js";
import { deleteSeveral } from "../../../delete-several.js";
import { findVolumeId } from "../../../find-volume.js";
import { required, toggle, variadic } from "../../../flags/flag.js";
import { volume } from "../../../flags/parsers/volumes.js";

export const define = command({
  description:
    "What is on them is gone. Refused while a session has one. Asks first where there is a terminal; --yes and\n" +
    "--no-input do not ask.",
  arguments: {
    volume: required("VOLUME", "its id or name", volume),
    more: variadic("VOLUME", "others", volume),
  },
  flags: { yes: toggle("do not ask", { short: "y" }) },
  examples: [["tenki sandbox volume delete cache", "one"]],
});

export function run({ volume: first, more, yes }: OptionsOf<typeof define>, ctx: Context): Promise<Outcome> {
  const named = [first, ...more];
  const remove = (client: Client, id: string) => client.deleteVolume(id);
  return deleteSeveral({ noun: "volume", named, yes, find: findVolumeId, remove }, ctx);
}
