import type { Client, Session, TerminateManyResult } from "../../../client/index.js";
import { TenkiError } from "../../../domain/error.js";
import type { SessionInfo } from "../../../domain/session.js";
import { command, type OptionsOf, type Outcome } from "../../command.js";
import type { Context } from "../../context.js";
import { findSession } from "../../find-session.js";
import { repeated, toggle, variadic } from "../../flags/flag.js";
import { session } from "../../flags/parsers/sessions.js";
import { confirm } from "../../prompt.js";
import { sessionsView, sessionView } from "../../output/views/session.js";
import type { View } from "../../output/view.js";
import { forgetSessions } from "../../ssh/forget-session.js";
import { sshPaths } from "../../ssh/ssh-paths.js";

export const define = command({
  description:
    "Their disks go with them. Asks first where there is a terminal; --yes and --no-input do not ask.\n" +
    "Prints the session; a list of them where several are named, or --all.",
  arguments: {
    sessions: variadic("SESSION", "ids or names (default: TENKI_SESSION, then the current one)", session),
  },
  flags: {
    session: repeated("ID|NAME", "the same as the argument", session),
    all: toggle("all that have not ended yet"),
    yes: toggle("do not ask", { short: "y" }),
  },
  examples: [
    ["tenki sandbox terminate demo", "one"],
    ["tenki sandbox terminate --all --yes", "all, without a question"],
  ],
});

type Options = OptionsOf<typeof define>;

export async function run(options: Options, ctx: Context): Promise<Outcome> {
  const named = [...options.sessions, ...options.session];
  const client = await ctx.client();
  const targets =
    options.all === true ? await allSessions(named, client) : await namedSessions(named, client, ctx);
  const asksForList = options.all === true || named.length > 1;
  if (targets.length > 0) await askFirst(options, targets, ctx);
  const { terminated, failures } = await terminate(targets, client);
  await forgetCurrent(terminated, ctx);
  const ids = terminated.map(({ id }) => id);
  await forgetSessions(sshPaths(ctx.io), ids).catch(() => undefined); // what is left does no harm
  return { view: viewOf(terminated, asksForList), error: failureOf(failures) };
}

function allSessions(named: readonly string[], client: Client): Promise<Session[]> {
  if (named.length > 0) throw new TenkiError("usage", "--all and a session's name contradict each other");
  return client.list();
}

/** Each once, however often and in whatever way it was named. */
async function namedSessions(named: readonly string[], client: Client, ctx: Context): Promise<Session[]> {
  const words = named.length > 0 ? named : [await ctx.sessionName(undefined)];
  const found = new Map<string, Session>();
  for (const word of words) {
    const each = await findSession(client, word);
    found.set(each.id, each);
  }
  return [...found.values()];
}

async function askFirst(options: Options, targets: readonly Session[], ctx: Context): Promise<void> {
  if (options.yes === true || !ctx.interactive) return;
  const what = targets.length === 1 ? `session ${targets[0]?.id}` : `${targets.length} sessions`;
  if (!(await confirm(ctx.io, `Terminate ${what}, and lose the disk with it?`))) {
    throw new TenkiError("aborted", "nothing was terminated: the answer was no");
  }
}

/** One call for one, so that its error is the service's own. */
async function terminate(targets: readonly Session[], client: Client): Promise<TerminateManyResult> {
  const [only] = targets;
  if (only === undefined) return { terminated: [], failures: [] };
  if (targets.length === 1) return { terminated: [await client.terminate(only.id)], failures: [] };
  return client.terminateMany(targets.map(({ id }) => id));
}

async function forgetCurrent(terminated: readonly SessionInfo[], ctx: Context): Promise<void> {
  const current = await ctx.config.get("current_session_id");
  if (!terminated.some(({ id }) => id === current)) return;
  await ctx.config.update({ current_session_id: undefined }).catch((error: unknown) => {
    return ctx.warn(`warning: the current session was not forgotten: ${(error as Error).message}`);
  });
}

function viewOf(terminated: readonly SessionInfo[], asksForList: boolean): View | undefined {
  const [only] = terminated;
  return asksForList || only === undefined ? sessionsView(terminated) : sessionView(only);
}

function failureOf(failures: TerminateManyResult["failures"]): TenkiError | undefined {
  if (failures.length === 0) return undefined;
  const listed = failures.map(({ sessionId, message }) => `${sessionId} (${message})`).join(", ");
  return new TenkiError("failed_precondition", `not terminated: ${listed}`);
}
