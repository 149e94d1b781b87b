import type { LoginRefusal } from "../../client/index.js";
import { TenkiError } from "../../domain/error.js";
import type { Context } from "../context.js";
import { reportError } from "../output/error.js";
import { renewNextTime, type SshAccess } from "./prepare-ssh.js";

const again = "run the same command again: it gets a new certificate";

const words: Readonly<Record<LoginRefusal, readonly [message: string, hint: string]>> = {
  certificate_expired: ["the SSH certificate has expired", again],
  certificate_not_yet_valid: [
    "the SSH certificate is not valid yet by the server's clock, which has been changed",
    `set that clock right, or ${again}`,
  ],
  certificate_not_for_this: [
    "the SSH certificate is for another session, or for other addresses than this connection's",
    again,
  ],
  unknown_user: ["the session has no such login name", "log in as tenki or root"],
};

/** For who tells it in this command line's place: a line for each, its parts between tabs (src/guest/ssh-pass.h). */
export const refusalLines = (): string =>
  Object.entries(words)
    .map(([refusal, [message, hint]]) => {
      const after = needsRenewal(refusal) ? "renew" : "keep";
      return [refusal, after, `error: ${message}`, `hint: ${hint}`].join("\t");
    })
    .join("\n");

/** A name is wrong whatever the certificate. */
const needsRenewal = (refusal: string): boolean => refusal !== "unknown_user";

/**
 * Says on stderr why the server does not let ssh in; ssh only knows that it is so, and may have said that by then. Nobody
 * waits for it; that the certificate is to be another one is settled at once, for whoever comes next.
 */
export async function tellRefusal(refusal: LoginRefusal, access: SshAccess, ctx: Context): Promise<void> {
  const [message, hint] = words[refusal];
  const { verbose, color } = ctx.common;
  const error = new TenkiError("permission_denied", message, { hint });
  const told = reportError(error, ctx.io, { json: false, verbose, color });
  if (needsRenewal(refusal)) renewNextTime(access);
  await told;
}
