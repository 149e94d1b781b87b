import { normalize } from "node:path";
import { isTerminal } from "../../../client/index.js";
import { TenkiError } from "../../../domain/error.js";
import { shellLine } from "../../../lib/shell-quote.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { variadic } from "../../flags/flag.js";
import {
  type ForwardSpec,
  formatForwardSpec,
  forwardSpec,
  localText,
  remoteText,
} from "../../forward/forward-spec.js";
import { Forwarding } from "../../forward/forwarding.js";
import { liveView, textView, type View } from "../../output/view.js";
import { untilAborted } from "../../until-aborted.js";

export const define = command({
  description:
    "Listens on this machine (127.0.0.1) and connects to the same port inside the session, or to REMOTE where LOCAL is\n" +
    "another one, until Ctrl-C. Nothing is exposed, and the session needs no inbound access. Either may be a unix\n" +
    "socket's path: inside below /home/tenki, /tmp, /run or /var/run; here it is made, and removed at the end.\n" +
    "-v shows a line for each connection.",
  needsSession: true,
  arguments: { forwards: variadic("[LOCAL:]REMOTE", "a port, or a socket's path; any number", forwardSpec) },
  examples: [
    ["tenki sandbox forward 3000", "http://127.0.0.1:3000 is port 3000 of the current session"],
    ["tenki sandbox forward --session demo 8080:3000 5432", "two ports, one of them under another number"],
    [
      "tenki sandbox forward ./docker.sock:/var/run/docker.sock",
      "then: docker -H unix://$PWD/docker.sock ps",
    ],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const { forwards } = options;
  if (forwards.length === 0) throw new TenkiError("usage", "missing argument [LOCAL:]REMOTE");
  const session = await ctx.session(options.session);
  const { state } = await session.refresh();
  if (isTerminal(state) || state === "PAUSED") {
    const hint = state === "PAUSED" ? `tenki sandbox resume ${session.id}` : undefined;
    throw new TenkiError("failed_precondition", `the session is not running (state=${state})`, { hint });
  }
  const specs = forwards.map(({ local, remote }) => ({ local: placed(local, ctx), remote }));
  const forwarding = new Forwarding(session, ctx);
  try {
    for (const [at, spec] of specs.entries()) {
      await forwarding.listen(spec, (local) => inOtherWords(options, forwards.with(at, { ...spec, local })));
    }
  } catch (error) {
    forwarding.close();
    throw error;
  }
  return liveView(serve(forwarding, specs, ctx.signal));
}

/** The same command line, but for where it listens. */
function inOtherWords({ session }: OptionsOf<typeof define>, forwards: readonly ForwardSpec[]): string {
  const flags = session === undefined ? [] : ["--session", session];
  return shellLine(["tenki", "sandbox", "forward", ...flags, ...forwards.map(formatForwardSpec)]);
}

const placed = (local: ForwardSpec["local"], ctx: Context): ForwardSpec["local"] =>
  "path" in local ? { path: normalize(ctx.localPath(local.path)) } : local;

async function* serve(
  forwarding: Forwarding,
  specs: readonly ForwardSpec[],
  signal: AbortSignal,
): AsyncGenerator<View, void, undefined> {
  try {
    for (const { local, remote } of specs) {
      const [here, there] = [localText(local), remoteText(remote)];
      yield textView(`${here} -> ${there}`, { local: here, remote: there });
    }
    await untilAborted(signal);
  } finally {
    forwarding.close();
  }
}
