import { TenkiError } from "../../../../domain/error.js";
import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { commaList, flag, toggle } from "../../../flags/flag.js";
import { moment, positiveDuration } from "../../../flags/parsers/times.js";
import { snapshotName } from "../../../flags/parsers/snapshots.js";
import { tag } from "../../../flags/parsers/sessions.js";
import type { View } from "../../../output/view.js";
import { snapshotView } from "../../../output/views/snapshot.js";
import { checkTags } from "../../../session-options.js";

export const define = command({
  description:
    "Its disk as it is at one moment, while everything in it goes on: processes are not in it, nor are volumes.\n" +
    "A paused session can be taken as well.",
  needsSession: true,
  flags: {
    name: flag("NAME", "what to call it", snapshotName),
    expiresAt: flag("TIME|DURATION", "when it goes by itself (default: the workspace's setting)", moment),
    tags: commaList("A,B", "tags to find it by", tag),
    waitDurable: toggle("wait until it outlasts a loss of power"),
    waitTimeout: flag("DURATION", "how long to wait (default: 5m)", positiveDuration),
    memory: toggle("with its processes; refused, with what stands in the way"),
  },
  examples: [
    ["tenki sandbox snapshot create --name before-upgrade", "of the current session"],
    [
      "id=$(tenki sandbox snapshot create demo --expires-at 24h --json | jq -r .id)",
      "for a day, in a script",
    ],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const tags = checkTags(options.tags);
  const session = await ctx.session(options.session);
  const { snapshots } = await ctx.client();
  if (options.memory === true)
    throw withoutMemory(await snapshots.memoryObstacles({ signal: ctx.signal }).catch(unasked));
  const wait = { timeoutMs: options.waitTimeout, signal: ctx.signal };
  const progress = await ctx.progress(`taking a snapshot of session ${session.id}`);
  try {
    const taken = await snapshots.create(session.id, {
      ...{ name: options.name, expiresAt: options.expiresAt },
      ...wait,
    });
    const tagged = tags.length === 0 ? taken : await snapshots.update(taken.id, { tags });
    if (options.waitDurable !== true) return snapshotView(tagged);
    progress.update(`waiting for snapshot ${taken.id} to outlast a loss of power`);
    return snapshotView(await snapshots.waitDurable(taken.id, wait));
  } finally {
    progress.stop();
  }
}

/** A service that cannot be asked is an obstacle too. */
function unasked(error: unknown): string[] {
  if (error instanceof TenkiError && error.kind === "unimplemented") return [error.message];
  throw error;
}

/** Refused whatever the service says: there is no call that would take it. */
const withoutMemory = (obstacles: readonly string[]): TenkiError =>
  new TenkiError(
    "unimplemented",
    `cannot take the memory of processes: ${obstacles.join("; ") || "the service could, but this command line cannot ask for it"}`,
    { hint: "leave --memory out for the disk; tenki sandbox pause keeps processes in their own session" },
  );
