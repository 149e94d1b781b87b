import { TenkiError } from "../../../domain/error.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { commaList, flag, toggle } from "../../flags/flag.js";
import { positiveDuration } from "../../flags/parsers/times.js";
import { sessionName, tag } from "../../flags/parsers/sessions.js";
import type { View } from "../../output/view.js";
import { sessionView } from "../../output/views/session.js";
import { checkTags } from "../../session-options.js";

export const define = command({
  description: "Only what is named changes.",
  needsSession: true,
  flags: {
    name: flag("NAME", "a new name", sessionName),
    tags: commaList("A,B", "new tags in place of all it has", tag),
    clearTags: toggle("take all tags away"),
    sticky: toggle("keep it when it is idle; --sticky=false lets it go"),
    maxDuration: flag(
      "DURATION",
      "how long it may live, counted from when it began to run",
      positiveDuration,
    ),
  },
  examples: [["tenki sandbox update demo --tags ci,nightly --sticky", "tag it and keep it"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const { name, clearTags, sticky, maxDuration } = options;
  if (clearTags === true && options.tags.length > 0) {
    throw new TenkiError("usage", "--tags and --clear-tags contradict each other");
  }
  const tags = clearTags === true || options.tags.length > 0 ? checkTags(options.tags) : undefined;
  if ([name, tags, sticky, maxDuration].every((each) => each === undefined)) {
    throw new TenkiError("usage", "nothing to change");
  }
  const session = await ctx.session(options.session);
  return sessionView(await session.update({ name, tags, sticky, maxDurationMs: maxDuration }));
}
