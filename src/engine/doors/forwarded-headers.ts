/** Of this connection, not of the message: never passed on. */
export const hopByHop: readonly string[] = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
];
/** What only the proxy can know is not taken from whoever asks. */
const oursOnly = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-real-ip",
];
const hopByHopNames = new Set(hopByHop);
const notFromOutside = new Set([...hopByHop, ...oursOnly, "expect", "host"]);

/** Names and values, one after the other. */
export type RawHeaders = readonly string[];

export interface Visitor {
  readonly address: string;
  readonly secure: boolean;
  /** The host that was asked for. */
  readonly host: string;
}

/** A request's headers for the service inside. */
export function headersInward(raw: RawHeaders, { address, secure, host }: Visitor): string[] {
  const kept = ["Host", host === "" ? "127.0.0.1" : host];
  const named = namedByConnection(raw);
  eachHeader(raw, (name, value) => {
    const lower = name.toLowerCase();
    if (lower.startsWith(":") || notFromOutside.has(lower) || named.has(lower)) return;
    const passed = lower === "cookie" ? withoutViewerCookies(value) : value;
    if (passed !== "") kept.push(name, passed);
  });
  const [scheme, usualPort] = secure ? ["https", "443"] : ["http", "80"];
  const port = /:(\d+)$/.exec(host)?.[1] ?? usualPort;
  kept.push("X-Forwarded-For", address, "X-Forwarded-Host", host);
  kept.push("X-Forwarded-Port", port, "X-Forwarded-Proto", scheme);
  return kept;
}

/** An answer's headers for the visitor. */
export function headersOutward(raw: RawHeaders): string[] {
  const kept: string[] = [];
  const named = namedByConnection(raw);
  eachHeader(raw, (name, value) => {
    const lower = name.toLowerCase();
    if (!hopByHopNames.has(lower) && !named.has(lower)) kept.push(name, value);
  });
  return kept;
}

/** What lets a viewer in is nothing for the sandbox, this one's or another's on the same host. */
export const viewerCookiePrefix = "tenki_viewer_";

const withoutViewerCookies = (cookies: string): string =>
  cookies.includes(viewerCookiePrefix)
    ? cookies
        .split(";")
        .map((each) => each.trim())
        .filter((each) => !each.startsWith(viewerCookiePrefix))
        .join("; ")
    : cookies;

const none: ReadonlySet<string> = new Set();

/** `Connection: close, x-mine` makes `x-mine` one of this connection, too; the framing of a body stays. */
function namedByConnection(raw: RawHeaders): ReadonlySet<string> {
  let named: Set<string> | undefined;
  eachHeader(raw, (name, value) => {
    if (name.length !== "connection".length || name.toLowerCase() !== "connection") return;
    named ??= new Set();
    for (const each of value.split(",")) named.add(each.trim().toLowerCase());
  });
  named?.delete("content-length");
  return named ?? none;
}

function eachHeader(raw: RawHeaders, use: (name: string, value: string) => void): void {
  for (let at = 0; at + 1 < raw.length; at += 2) use(raw[at] ?? "", raw[at + 1] ?? "");
}
