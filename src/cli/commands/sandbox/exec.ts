import type { CommandExit } from "../../../domain/command.js";
import { TenkiError } from "../../../domain/error.js";
import { command, type OptionsOf, type Outcome } from "../../command.js";
import type { Context } from "../../context.js";
import type { CapturedOutput } from "../../exec/captured-output.js";
import { codeOfExit, couldStart, spawnFailure, statusLine, statusOfExit } from "../../exec/exit-status.js";
import { runCommand } from "../../exec/run-command.js";
import { readEnvironment } from "../../env-file.js";
import { flag, repeated, toggle, variadic } from "../../flags/flag.js";
import { commandTimeout, environmentEntry, filled, localFile, oneOf, text } from "../../flags/parsers.js";
import { objectView } from "../../output/view.js";
import { resumeFirst } from "../../resume-first.js";

export const define = command({
  description:
    "Runs the program directly; -c runs a line in a shell (sh -lc). Put -- before a program that takes flags.\n" +
    "Both outputs come as they are written. Stdin is passed on when it is no terminal, or with -i or -t.\n" +
    "Ctrl-C is SIGINT for the command, the second one SIGTERM, the third one SIGKILL and the end.\n" +
    "Ends with the command's own code; 124: it ran past --timeout; 125: tenki itself failed; 126: the program was\n" +
    "found but could not be run; 127: it was not found; 128+N: signal N ended it.",
  needsSession: true,
  runsCommand: true,
  arguments: { program: variadic("PROGRAM", "the program and its arguments", text) },
  flags: {
    shell: flag("LINE", "a line for the shell in place of a program", filled, { short: "c" }),
    timeout: flag("DURATION", "end the command after so long (default: never)", commandTimeout),
    cwd: flag("DIR", "where it starts (default: /home/tenki)", filled),
    env: repeated("K=V", "a variable for it; K alone: as it is set here", environmentEntry, { short: "e" }),
    envFile: repeated("FILE", "a file of such lines", localFile),
    user: flag("USER", "as whom it runs: tenki (default) or root", oneOf("user", ["tenki", "root"]), {
      short: "u",
    }),
    interactive: toggle("pass stdin on, a terminal too", { short: "i" }),
    tty: toggle("give it a terminal", { short: "t" }),
    resume: toggle("resume the session first where it is paused"),
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
  ],
});

type Options = OptionsOf<typeof define>;

export async function run(options: Options, ctx: Context): Promise<Outcome> {
  const argv = commandLine(options);
  const capture = ctx.common.output !== "text";
  if (capture && options.tty === true) {
    throw new TenkiError("usage", `--tty and --output ${ctx.common.output} contradict each other`);
  }
  const env = await readEnvironment({
    here: ctx.io.env,
    files: options.envFile.map((path) => ctx.localPath(path)),
    entries: options.env,
  });
  const session = await ctx.session(options.session);
  if (options.resume === true) await resumeFirst(session, ctx);
  const { exit, captured } = await runCommand(
    session,
    {
      argv,
      cwd: options.cwd,
      env,
      privileged: options.user === "root",
      timeoutMs: options.timeout,
      stdin: options.interactive === true || options.tty === true || ctx.io.stdin.isTTY !== true,
      tty: options.tty === true,
      capture,
    },
    ctx,
  );
  if (captured !== undefined)
    return { view: objectView(resultFields(exit, captured)), exitCode: codeOfExit(exit) };
  if (!couldStart(exit)) await ctx.warn(`error: cannot run ${argv[0]}: ${spawnFailure(exit)}`);
  await ctx.note(statusLine(exit));
  return { exitCode: codeOfExit(exit) };
}

function commandLine({ shell, program }: Options): readonly string[] {
  if (shell === undefined && program.length > 0 && program[0] !== "") return program;
  if (shell !== undefined && program.length === 0) return ["sh", "-lc", shell];
  const what =
    shell === undefined ? "missing argument PROGRAM" : `unexpected argument "${program[0]}" besides -c`;
  throw new TenkiError("usage", what);
}

const resultFields = (exit: CommandExit, captured: CapturedOutput) => ({
  status: statusOfExit(exit),
  exit_code: codeOfExit(exit),
  signal: exit.signal === "" ? undefined : exit.signal,
  duration_ms: Math.round(exit.durationMs),
  error: couldStart(exit) ? undefined : spawnFailure(exit),
  ...captured.fields(),
});
