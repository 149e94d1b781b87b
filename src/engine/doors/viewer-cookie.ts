import { viewerCookiePrefix } from "./forwarded-headers.js";

/** As the links carry it, once. */
export const viewerParameter = "tenki_viewer";

const cookieName = (doorId: string): string => `${viewerCookiePrefix}${doorId.slice(0, 8)}`;

/** Cookies know no port: each door has a name of its own. */
export function readViewerCookie(doorId: string, cookies: string | undefined): string | undefined {
  const start = `${cookieName(doorId)}=`;
  const found = cookies?.split(";").map((each) => each.trim());
  return found?.find((each) => each.startsWith(start))?.slice(start.length);
}

export const writeViewerCookie = (doorId: string, token: string, secure: boolean): string =>
  `${cookieName(doorId)}=${token}; Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;

/** The token in a target, and the target without it; undefined where it carries none. */
export function takeViewerToken(
  target: string,
): { readonly token: string; readonly rest: string } | undefined {
  const at = target.indexOf("?");
  if (at < 0 || !target.includes(viewerParameter, at)) return undefined;
  const query = new URLSearchParams(target.slice(at + 1));
  const token = query.get(viewerParameter);
  if (token === null) return undefined;
  query.delete(viewerParameter);
  const left = query.toString();
  // A target of two slashes would lead a browser to another host.
  const path = target.slice(0, at).replace(/^\/+/, "/");
  return { token, rest: left === "" ? path : `${path}?${left}` };
}
