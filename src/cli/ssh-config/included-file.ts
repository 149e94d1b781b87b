import { createHash } from "node:crypto";
import { join } from "node:path";
import { shellLine, shellQuote } from "../../lib/shell-quote.js";
import type { Io } from "../io.js";
import { knockWords } from "../ssh/proxy-command.js";
import { ownCertificate, sshPaths } from "../ssh/ssh-paths.js";
import { quoted, sshValue } from "../ssh/ssh-value.js";

export type IncludedState = "missing" | "current" | "outdated" | "edited";

/** A quote would end the word that ssh puts the name into, in a line for a shell. */
const noQuote = `"!*'*"`;

/** What the user's ssh config includes: all that ssh has to know to reach `sbx-<id>` and `sbx-<name>`. */
export function includedText(io: Io): string {
  const { key, sessions } = sshPaths(io);
  const kept = (name: string) => sshValue(join(sessions, "\0", name)).replaceAll("\0", "%n");
  const words = "sandbox ssh-proxy --host '%n'";
  return sealed(`
Match originalhost "sbx-*,!*'*" exec ${quoted(`${isReadyLine(sessions)} || ${tenkiLine(io)} ${words} --prepare`)}

Host sbx-* ${noQuote}
  User tenki
  ProxyCommand ${tenkiLine(io, knockWords(io))} ${words}
  IdentityFile ${sshValue(key)}
  CertificateFile ${kept(ownCertificate)}
  IdentitiesOnly yes
  UserKnownHostsFile ${kept("known_hosts")}
  StrictHostKeyChecking yes
  UpdateHostKeys no
  CanonicalizeHostname no
`);
}

/**
 * True where nothing has to be prepared: both times lie ahead. Another find than GNU's says nothing, and tenki looks.
 * Without double quotes, which older ssh cannot have within its own.
 */
function isReadyLine(sessions: string): string {
  const paths = [join(sessions, "\0"), join(sessions, "\0", ownCertificate)];
  const words = paths.map((path) => shellQuote(path).replaceAll("%", "%%").replaceAll("\0", "%n"));
  return `test xxx = x$(find ${words.join(" ")} -maxdepth 0 -newermt now -printf x 2>/dev/null)`;
}

/** This command line as a shell starts it, from wherever ssh is called; `ahead`: what is started in its place. */
export function tenkiLine({ env, self }: Pick<Io, "env" | "self">, ahead: readonly string[] = []): string {
  const base = env["XDG_CONFIG_HOME"];
  const settings = base?.startsWith("/") === true ? ["env", `XDG_CONFIG_HOME=${base}`] : [];
  return shellLine([...settings, ...ahead, ...self]).replaceAll("%", "%%");
}

/** Which tenki it calls: what stands before its first word where it prepares a connection. */
export const calledTenki = (text: string): string | undefined =>
  /^Match .* \|\| (.*) sandbox ssh-proxy /m.exec(text)?.[1]?.replace(/\\(["\\])/g, "$1");

/** Edited: its seal is broken; outdated: another tenki, or another place, wrote it. */
export function includedState(text: string | undefined, wanted: string): IncludedState {
  if (text === undefined) return "missing";
  if (text === wanted) return "current";
  const [, print, body = ""] = /^(?:#[^\n]*\n)*?# sha256:([0-9a-f]{64})\n([\s\S]*)$/.exec(text) ?? [];
  return print === fingerprint(body) ? "outdated" : "edited";
}

const sealed = (
  body: string,
): string => `# How ssh reaches tenki's sessions. "tenki sandbox ssh config install" writes this anew: what is yours
# belongs into your own ssh config, behind the line that includes this.
# sha256:${fingerprint(body)}
${body}`;

const fingerprint = (body: string): string => createHash("sha256").update(body).digest("hex");
