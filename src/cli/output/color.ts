import type { Io, OutputStream } from "../io.js";

/** Whether a stream gets colours: the flag, FORCE_COLOR, NO_COLOR, TERM=dumb, and whether somebody looks. */
export function wantsColor(io: Pick<Io, "env">, stream: OutputStream, flag: boolean | undefined): boolean {
  const { FORCE_COLOR: forced, NO_COLOR: refused, TERM: term } = io.env;
  if (flag !== undefined) return flag;
  if (forced !== undefined && forced !== "") return forced !== "0" && forced !== "false";
  if (refused !== undefined && refused !== "") return false;
  return term !== "dumb" && stream.isTTY === true;
}
