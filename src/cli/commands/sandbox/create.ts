import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { createAndShow } from "../../create/create-and-show.js";
import { createFlags, waitTimeoutFlag } from "../../create/create-flags.js";
import { toggleFrom } from "../../flags/flag.js";
import type { View } from "../../output/view.js";

export const define = command({
  description:
    "Waits until commands would run in it, prints it, and makes it the current session. Ctrl-C ends the wait only.\n" +
    "What is left out is the service's default.",
  flags: {
    ...createFlags,
    wait: toggleFrom(true, "return at once"),
    ...waitTimeoutFlag,
  },
  examples: [
    ["tenki sandbox create --name demo", "with the defaults"],
    [
      "tenki sandbox create --cpu 4 --memory-mb 8192 --env APP_ENV=dev --tags ci,nightly",
      "larger, with a variable",
    ],
    ["id=$(tenki sandbox create --json | jq -r .id)", "in a script"],
  ],
});

export function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  return createAndShow(options, ctx);
}
