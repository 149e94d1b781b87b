import type { Session } from "../client/index.js";
import { TenkiError } from "../domain/error.js";
import type { Context } from "./context.js";

interface Named {
  readonly session: string | undefined;
  readonly first: string;
  readonly second: string | undefined;
}

/** `SESSION VOLUME`, or `VOLUME` alone, for the session that is named in another way. */
export async function sessionAndVolume(
  { session, first, second }: Named,
  ctx: Context,
): Promise<{ readonly session: Session; readonly named: string }> {
  if (second === undefined) return { session: await ctx.session(session), named: first };
  if (session === undefined) return { session: await ctx.session(first), named: second };
  throw new TenkiError("usage", "two sessions are named: by --session, and by the first word");
}
