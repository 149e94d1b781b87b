import type { ConnectTarget } from "../../client/index.js";
import { TenkiError } from "../../domain/error.js";
import { shellQuote } from "../../lib/shell-quote.js";
import type { Parser } from "../flags/parsers/parser.js";

/** What is listened on here: a port of the loopback, or a socket's path. */
export type LocalEnd = { readonly port: number } | { readonly path: string };

export interface ForwardSpec {
  readonly local: LocalEnd;
  readonly remote: ConnectTarget;
}

/** `3000`, `8080:3000`, `./docker.sock:/var/run/docker.sock`, or one of each. */
export const forwardSpec: Parser<ForwardSpec> = {
  noun: "forward",
  expected: "REMOTE or LOCAL:REMOTE, each a port from 1 to 65535 or a socket's path, as in 8080:3000",
  read: (word) => readForwardSpec(word),
};

function readForwardSpec(word: string): ForwardSpec | undefined {
  const colon = word.lastIndexOf(":");
  const remote = readEnd(word.slice(colon + 1));
  if (remote === undefined) return undefined;
  if (colon < 0) return "port" in remote ? { local: remote, remote } : refusePath(word);
  const local = readEnd(word.slice(0, colon));
  if (local === undefined) return undefined;
  return { local, remote: "port" in remote ? remote : { unixSocketPath: remote.path } };
}

function readEnd(text: string): LocalEnd | undefined {
  if (text.includes("/")) return text.includes("\0") ? undefined : { path: text };
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? { port } : undefined;
}

function refusePath(path: string): never {
  const name = path.slice(path.lastIndexOf("/") + 1) || "a.sock";
  throw new TenkiError("usage", `where to listen here for ${path} is not said`, {
    hint: `tenki sandbox forward ${shellQuote(`./${name}:${path}`)}`,
  });
}

export const localText = (local: LocalEnd): string =>
  "port" in local ? `127.0.0.1:${local.port}` : local.path;

export const remoteText = (remote: ConnectTarget): string =>
  "port" in remote ? `${remote.port}` : remote.unixSocketPath;

/** As it is written on a command line. */
export const formatForwardSpec = ({ local, remote }: ForwardSpec): string =>
  `${"port" in local ? local.port : local.path}:${remoteText(remote)}`;
