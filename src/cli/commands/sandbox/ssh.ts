import { command, type OptionsOf, type Outcome } from "../../command.js";
import type { Context } from "../../context.js";
import { variadic } from "../../flags/flag.js";
import { text } from "../../flags/parsers/words.js";
import { runSsh } from "../../ssh/run-ssh.js";
import { sshCall } from "../../ssh/ssh-call.js";
import { sshFlags } from "../../ssh/ssh-flags.js";

export const define = command({
  description:
    "Runs the ssh that is installed here. The first word is the session, unless --session or -- stands before it;\n" +
    "everything behind it goes to ssh: its flags, and a command. Ends with ssh's own code; 125: tenki failed before.\n\n" +
    "tenki sandbox ssh config install lets ssh, scp, rsync, git and editors find sessions by themselves.",
  needsSession: true,
  runsCommand: true,
  passesOn: true,
  arguments: { words: variadic("SESSION | ARGUMENT", "the session, and what is for ssh", text) },
  flags: sshFlags,
  examples: [
    ["tenki sandbox ssh demo", "a shell, as root"],
    ["tenki sandbox ssh --user tenki demo -L 8080:localhost:80 -N", "ssh's own flags"],
    ["tenki sandbox ssh -- uptime", "a command in the current session"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<Outcome> {
  const { argv } = await sshCall(options, options.session, ctx);
  return { exitCode: await runSsh([...argv, ...options.words], ctx) };
}
