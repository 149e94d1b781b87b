import { command, type OptionsOf, type Outcome } from "../../command.js";
import type { Context } from "../../context.js";
import {
  commandLine,
  environmentFrom,
  programArgument,
  resumeFlag,
  shellLineFlag,
  streamFlags,
  surroundingsFlags,
  timeoutFlag,
} from "../../exec/command-flags.js";
import { execInSession, refuseCapturedTerminal, warnOfSpawn } from "../../exec/exec-in-session.js";
import { codeOfExit, couldStart } from "../../exec/exit-status.js";
import { startDetached } from "../../exec/start-detached.js";
import { toggle } from "../../flags/flag.js";
import { textView } from "../../output/view.js";
import { executionFields } from "../../output/views/execution.js";

export const define = command({
  description:
    "Runs the program directly; -c runs a line in a shell (sh -lc). Put -- before a program that takes flags.\n" +
    "Both outputs come as they are written. Stdin is passed on when it is no terminal, or with -i or -t.\n" +
    "Ctrl-C is SIGINT for the command, the second one SIGTERM, the third one SIGKILL and the end.\n" +
    "With --detach it goes on without tenki: attach, logs, wait, signal and list are for such ones. Those words are\n" +
    "commands where they come first; put -- before a program of such a name.\n" +
    "Ends with the command's own code; 124: it ran past --timeout; 125: tenki itself failed; 126: the program was\n" +
    "found but could not be run; 127: it was not found; 128+N: signal N ended it.",
  needsSession: true,
  runsCommand: true,
  arguments: { program: programArgument },
  flags: {
    ...shellLineFlag,
    ...timeoutFlag,
    ...surroundingsFlags,
    ...streamFlags,
    detach: toggle("start it, print its id, and leave it running", { short: "d" }),
    ...resumeFlag,
    stream: toggle("accepted, and changes nothing: outputs are always streamed"),
  },
  examples: [
    ["tenki sandbox exec -c 'go build ./... && go test ./...'", "a line for the shell"],
    [
      "tenki sandbox exec --session demo --timeout 2m -- python3 -c 'print(1)'",
      "a program, at most two minutes",
    ],
    ["tar -c . | tenki sandbox exec -- tar -x", "with stdin"],
    ["tenki sandbox exec -t -- bash", "a shell to work in"],
    ["id=$(tenki sandbox exec -d -- make all)", "in the background"],
  ],
});

type Options = OptionsOf<typeof define>;

export async function run(options: Options, ctx: Context): Promise<Outcome> {
  const argv = commandLine(options);
  if (options.detach !== true) refuseCapturedTerminal(options.tty, ctx);
  const env = await environmentFrom(options, ctx);
  const session = await ctx.session(options.session);
  const how = {
    ...{ argv, env, cwd: options.cwd, privileged: options.user === "root" },
    timeoutMs: options.timeout,
    interactive: options.interactive === true,
    tty: options.tty === true,
    resume: options.resume === true,
  };
  if (options.detach !== true) return execInSession(session, how, ctx);
  const started = await startDetached(session, how, ctx);
  const view = textView(started.id, executionFields(started));
  if (started.exit === undefined || couldStart(started.exit)) return { view };
  await warnOfSpawn(started.exit, argv[0] ?? "", ctx);
  return { view, exitCode: codeOfExit(started.exit) };
}
