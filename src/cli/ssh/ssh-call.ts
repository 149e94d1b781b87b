import { shellQuote } from "../../lib/shell-quote.js";
import { TenkiError } from "../../domain/error.js";
import type { OptionsOf } from "../command.js";
import type { Context } from "../context.js";
import { findSession } from "../find-session.js";
import { prepareSsh, type SshAccess } from "./prepare-ssh.js";
import { proxyWords } from "./proxy-command.js";
import type { sshFlags } from "./ssh-flags.js";
import { isEncrypted, isHeldByAgent } from "./ssh-key.js";
import { sshPaths } from "./ssh-paths.js";
import { sshValue } from "./ssh-value.js";

type Flags = OptionsOf<{ readonly flags: typeof sshFlags }>;

/** How a session is logged in to: what `ssh` has to be told. */
export interface SshCall {
  readonly sessionId: string;
  readonly user: string;
  /** What ssh takes the session for: its id. */
  readonly host: string;
  readonly port: number;
  readonly identityFile: string;
  readonly certificateFile: string;
  readonly knownHostsFile: string;
  /** One line for a shell. */
  readonly proxyCommand: string;
  /** ssh itself, its options, and where it goes. */
  readonly argv: readonly string[];
}

/** Makes a session's key, certificate and host keys ready, and says how ssh is called with them. */
export async function sshCall(flags: Flags, named: string | undefined, ctx: Context): Promise<SshCall> {
  const word = await ctx.sessionName(named); // before a word is said to any service
  const identityFile = flags.identityFile && ctx.localPath(flags.identityFile);
  ctx.useGateway(flags.gateway);
  const client = await ctx.client();
  const { id: sessionId } = await findSession(client, word);
  const access = await prepareSsh(client, {
    paths: sshPaths(ctx.io),
    sessionId,
    identityFile,
    env: ctx.io.env,
  });
  if (flags.batchMode === true) await refusePassphrase(access, ctx);
  await warnOfClock(access, ctx);
  const { gateway } = flags;
  const words = await proxyWords(ctx, { sessionId, gateway, identityFile });
  const proxyCommand = words.map(shellQuote).join(" ");
  const user = flags.user ?? "root";
  const call = {
    ...{ sessionId, user, host: sessionId, port: 22, proxyCommand },
    identityFile: access.key.path,
    certificateFile: access.files.certificate,
    knownHostsFile: access.files.knownHosts,
  };
  return { ...call, argv: ["ssh", ...sshOptions(call, flags), `${user}@${sessionId}`] };
}

function sshOptions(call: Omit<SshCall, "argv">, flags: Flags): string[] {
  const { batchMode, connectTimeout, strictHostKeyChecking: strict = "yes" } = flags;
  const settings = {
    ProxyCommand: call.proxyCommand.replaceAll("%", "%%"),
    IdentityFile: sshValue(call.identityFile),
    CertificateFile: sshValue(call.certificateFile),
    IdentitiesOnly: "yes",
    UserKnownHostsFile: sshValue(call.knownHostsFile),
    HostKeyAlias: call.sessionId,
    StrictHostKeyChecking: strict === true || strict === "true" ? "yes" : strict === "false" ? "no" : strict,
    UpdateHostKeys: "no",
    ...(batchMode === true ? { BatchMode: "yes" } : {}),
    ...(connectTimeout === undefined ? {} : { ConnectTimeout: `${connectTimeout}` }),
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

async function refusePassphrase({ key }: SshAccess, { io }: Context): Promise<void> {
  if (!isEncrypted(key) || (await isHeldByAgent(key, io.env))) return;
  const message = `the key ${key.path} has a passphrase, and --batch-mode forbids to ask for it`;
  throw new TenkiError("failed_precondition", message, {
    hint: `eval $(ssh-agent), then ssh-add ${shellQuote(key.path)}; or leave --identity-file out`,
  });
}

const tolerableMs = 5 * 60_000;

async function warnOfClock({ clockAheadMs = 0 }: SshAccess, ctx: Context): Promise<void> {
  if (Math.abs(clockAheadMs) < tolerableMs) return;
  const minutes = Math.round(Math.abs(clockAheadMs) / 60_000);
  const side = clockAheadMs > 0 ? "ahead of" : "behind";
  await ctx.warn(`warning: this machine's clock is ${minutes} minutes ${side} the service's`);
}
