import { shellLine } from "../../../lib/shell-quote.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { textView, type View } from "../../output/view.js";
import { sshCall } from "../../ssh/ssh-call.js";
import { sshFlags } from "../../ssh/ssh-flags.js";

export const define = command({
  description:
    "One line to paste into a shell. What it needs is made ready; the certificate is good for minutes.",
  needsSession: true,
  flags: sshFlags,
  examples: [
    ["tenki sandbox ssh-command demo", "the line"],
    ['eval "$(tenki sandbox ssh-command demo) uptime"', "the same, with a command"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const call = await sshCall(options, options.session, ctx);
  return textView(shellLine(call.argv), {
    session_id: call.sessionId,
    user: call.user,
    host: call.host,
    port: call.port,
    identity_file: call.identityFile,
    certificate_file: call.certificateFile,
    proxy_command: call.proxyCommand,
    known_hosts_file: call.knownHostsFile,
  });
}
