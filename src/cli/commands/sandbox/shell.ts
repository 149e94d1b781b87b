import { TenkiError } from "../../../domain/error.js";
import { command, type OptionsOf, type Outcome } from "../../command.js";
import type { Context } from "../../context.js";
import { environmentFrom, resumeFlag, surroundingsFlags } from "../../exec/command-flags.js";
import { codeOfExit, couldStart, spawnFailure } from "../../exec/exit-status.js";
import { runCommand } from "../../exec/run-command.js";

/** Of the image's shells the one that is nicer to type in. */
const loginShell = ["sh", "-c", "command -v bash >/dev/null && exec bash -l; exec sh -l"];

export const define = command({
  description:
    "A login shell on a terminal: bash where the image has it, sh where not. Ends with the shell's own code.\n" +
    "The same as exec -t, which runs any other program there.",
  needsSession: true,
  runsCommand: true,
  flags: { ...surroundingsFlags, ...resumeFlag },
  examples: [
    ["tenki sandbox shell", "in the current session"],
    ["tenki sandbox shell demo --user root", "as root, in another one"],
  ],
});

type Options = OptionsOf<typeof define>;

export async function run(options: Options, ctx: Context): Promise<Outcome> {
  checkTerminal(ctx);
  const env = await environmentFrom(options, ctx);
  const session = await ctx.session(options.session);
  const { exit } = await runCommand(
    session,
    {
      ...{ argv: loginShell, env, cwd: options.cwd, privileged: options.user === "root" },
      ...{ timeoutMs: undefined, stdin: true, tty: true, capture: false },
      resume: options.resume === true,
    },
    ctx,
  );
  if (!couldStart(exit)) await ctx.warn(`error: cannot run a shell: ${spawnFailure(exit)}`);
  return { exitCode: codeOfExit(exit) };
}

function checkTerminal({ io, common }: Context): void {
  const hint = "tenki sandbox exec -c 'LINE', or tenki sandbox exec -i -- sh, for what is no terminal";
  if (io.stdin.isTTY !== true) throw new TenkiError("usage", "stdin is no terminal", { hint });
  if (common.output !== "text") {
    throw new TenkiError("usage", `a shell and --output ${common.output} contradict each other`, { hint });
  }
}
