import { readdir, rm, utimes } from "node:fs/promises";
import { basename, join } from "node:path";
import type { SSHLane } from "../../client/index.js";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import type { Context } from "../context.js";
import type { SshAccess } from "./prepare-ssh.js";
import { ownCertificate, passName, type SshPaths } from "./ssh-paths.js";
import { refusalLines } from "./tell-refusal.js";

/**
 * Keeps what the next login to a session needs to go without this command line, which takes longer to start than the
 * rest of it takes: `tenki-guest knock` reads it (src/guest/ssh-pass.h). It is made of the saved settings alone, and
 * holds for them alone; the file's own time is until when it is good.
 */
export async function keepPass({ pass }: SSHLane, { files }: SshAccess, ctx: Context): Promise<void> {
  const isOwnKey = basename(files.certificate) === ownCertificate;
  if (pass === undefined || !isOwnKey || !(await isAsSaved(ctx))) return;
  const { stamp } = ctx.config;
  if (stamp === undefined || pass.laneSocket.includes("\n")) return;
  const lines = [stamp, pass.laneSocket, refusalLines(), "", pass.request];
  await writeFileAtomic(files.pass, lines.join("\n"), 0o600);
  await utimes(files.pass, new Date(), new Date(pass.expiresAt));
}

/** Each of them may lead elsewhere than the files say. */
const settingNames = [
  ...["TENKI_AUTH_TOKEN", "TENKI_API_KEY", "TENKI_API_ENDPOINT", "TENKI_API_URL"],
  "TENKI_SANDBOX_GATEWAY_URL",
];

async function isAsSaved(ctx: Context): Promise<boolean> {
  const isSet = settingNames.some((name) => ctx.io.env[name] !== undefined);
  return !isSet && ctx.common.endpoint === undefined && (await ctx.settings()).tokenIsSaved;
}

/** With a login go the ways that it had opened. */
export async function forgetPasses({ sessions }: SshPaths): Promise<void> {
  const names = await readdir(sessions).catch(() => []);
  for (const name of names) await rm(join(sessions, name, passName), { force: true });
}
