/** The token that a request carries in any of the three forms; undefined where it carries none. */
export function readToken(headers: Headers): string | undefined {
  const bearer = /^bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  const session = headers.get("x-session-token") ?? undefined;
  return bearer ?? session ?? readCookie(headers.get("cookie") ?? "");
}

const cookieNames = new Set(["tenki_session", "ory_kratos_session"]);

function readCookie(cookies: string): string | undefined {
  for (const cookie of cookies.split(";")) {
    const [name = "", ...value] = cookie.trim().split("=");
    if (cookieNames.has(name)) return value.join("=");
  }
  return undefined;
}
