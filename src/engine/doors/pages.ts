import { STATUS_CODES } from "node:http";
import type { Refusal } from "../core/ports/doors.js";

/** Why there is no answer from the service inside. */
export type Trouble = Refusal | "refused" | "silent" | "crowded" | "broken" | "malformed";

interface Wording {
  readonly status: number;
  readonly title: string;
  readonly what: (port: number | undefined) => string;
  readonly todo: string;
  /** It may be there in a moment: the page looks by itself. */
  readonly comesBack: boolean;
}

const portName = (port: number | undefined) => (port === undefined ? "this port" : `port ${port}`);

const wordings: Readonly<Record<Trouble, Wording>> = {
  refused: {
    status: 502,
    title: "Nobody listens",
    what: (port) => `Nothing in the sandbox listens on ${portName(port)}.`,
    todo: "Start the service in the sandbox; tenki sandbox exec runs commands there.",
    comesBack: true,
  },
  silent: {
    status: 502,
    title: "No answer",
    what: (port) => `The sandbox did not take the connection to ${portName(port)} in time.`,
    todo: "See what goes on in it: tenki sandbox top.",
    comesBack: true,
  },
  crowded: {
    status: 503,
    title: "Too many connections",
    what: (port) => `As many connections to ${portName(port)} as there can be are open already.`,
    todo: "Close some, or wait a moment.",
    comesBack: true,
  },
  broken: {
    status: 502,
    title: "The answer broke off",
    what: (port) => `The service on ${portName(port)} closed the connection without a proper answer.`,
    todo: "See what the service says about it.",
    comesBack: true,
  },
  malformed: {
    status: 400,
    title: "No proper request",
    what: () => "The request cannot be passed on as it is.",
    todo: "See what sent it.",
    comesBack: false,
  },
  paused: {
    status: 503,
    title: "The session is paused",
    what: () => "The sandbox stands still, with everything in it.",
    todo: "Let it go on: tenki sandbox resume.",
    comesBack: true,
  },
  starting: {
    status: 503,
    title: "The session is starting",
    what: () => "The sandbox is not ready yet.",
    todo: "Wait a moment.",
    comesBack: true,
  },
  expired: {
    status: 404,
    title: "The address has expired",
    what: (port) => `The time for which ${portName(port)} was exposed is over.`,
    todo: "Expose it again: tenki sandbox expose PORT.",
    comesBack: true,
  },
  unbound: {
    status: 404,
    title: "The address points at nothing",
    what: () => "No session is bound to this preview URL.",
    todo: "Bind one: tenki sandbox preview-url bind.",
    comesBack: true,
  },
  ended: {
    status: 404,
    title: "Nothing is here",
    what: () => "No port is exposed under this address, or its session has ended.",
    todo: "See what is exposed: tenki sandbox ports.",
    comesBack: true,
  },
  private: {
    status: 403,
    title: "Not for everybody",
    what: () => "This address opens only with a viewer's link, and that may have expired.",
    todo: "Ask whoever gave it to you for a new one.",
    comesBack: false,
  },
};

export interface Page {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** By this header the page's own script tells why the proxy answers, and not the service. */
const markHeader = "x-tenki-preview";

/** Says what is going on and what to do: to a browser as a page that goes away by itself, else as text. */
export function pageFor(trouble: Trouble, accept: string | undefined, port?: number): Page {
  const { status, title, what, todo, comesBack } = wordings[trouble];
  const forBrowser = accept?.includes("text/html") === true;
  const text = forBrowser ? html(trouble, port) : `${title.toLowerCase()}: ${what(port)} ${todo}\n`;
  const body = Buffer.from(text);
  return {
    status,
    body,
    headers: {
      "content-type": `text/${forBrowser ? "html" : "plain"}; charset=utf-8`,
      "content-length": String(body.length),
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      [markHeader]: trouble,
      ...(forBrowser ? { "content-security-policy": policy } : {}),
      ...(status === 404 || !comesBack ? {} : { "retry-after": "2" }),
    },
  };
}

/** As bytes of HTTP/1.1. */
export function pageText({ status, headers, body }: Page, connection: string, method = "GET"): Buffer {
  const lines = Object.entries({ ...headers, connection }).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n`);
  return method === "HEAD" ? head : Buffer.concat([head, body]);
}

const policy =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors *";

/** Asks for the page itself, and shows it as soon as it is another than this. Where a service sends its visitors is not looked at. */
const script = (trouble: Trouble) => `
  const how = { cache: "no-store", redirect: "manual", headers: { accept: "text/plain" } };
  const look = async () => {
    const answer = await fetch(location.href, how).catch(() => undefined);
    if (answer && answer.headers.get("${markHeader}") !== "${trouble}") location.reload();
    else setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
`;

const style = `
  :root { color-scheme: light dark; }
  body { font: 16px/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center; }
  main { max-width: 34rem; padding: 2rem; }
  h1 { font-size: 1.4rem; margin: 0 0 .5rem; }
  p { margin: .3rem 0; }
  .status { opacity: .6; font-variant-numeric: tabular-nums; }
  .hint { opacity: .8; }
`;

function html(trouble: Trouble, port: number | undefined): string {
  const { status, title, what, todo, comesBack } = wordings[trouble];
  const ending = comesBack ? "<p class=status>This page goes away by itself once it is there.</p>" : "";
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${style}</style>
<main>
<p class=status>${status}</p>
<h1>${title}</h1>
<p>${what(port)}</p>
<p class=hint>${todo}</p>
${ending}
</main>
${comesBack ? `<script>${script(trouble)}</script>` : ""}
</html>
`;
}
