import { posix } from "node:path";
import { TenkiError } from "../../../domain/error.js";

/** Where a repository is. */
export interface Repository {
  /** Without a user's name and password, where it is fetched over HTTP. */
  readonly url: string;
  /** `https://host:port`; undefined where it is not fetched over HTTP. */
  readonly origin: string | undefined;
  /** What the URL held besides. */
  readonly login: Login | undefined;
  /** What its directory is called unless somebody says otherwise, as git itself has it. */
  readonly name: string;
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

const protocols = new Set(["http:", "https:", "ssh:", "git:"]);

/** Takes a repository's address apart; what git would take for a path, an option or a program is refused. */
export function readRepositoryUrl(text: string): Repository {
  if (/[\s\p{Cc}]/u.test(text) || text.startsWith("-")) throw notUrl();
  return readUrl(text) ?? readShortForm(text);
}

function readUrl(text: string): Repository | undefined {
  if (!text.includes("://")) return undefined;
  if (!URL.canParse(text)) throw notUrl();
  const url = new URL(text);
  if (!protocols.has(url.protocol) || url.hostname === "") throw notUrl();
  // ssh would take them for options.
  if (url.hostname.startsWith("-") || decode(url.username).startsWith("-")) throw notUrl();
  const name = directoryName(url.pathname);
  const overHttp = url.protocol === "http:" || url.protocol === "https:";
  if (!overHttp) return { url: text, origin: undefined, login: undefined, name };
  const login = loginOf(url);
  url.username = "";
  url.password = "";
  return { url: url.href, origin: url.origin, login, name };
}

/** `user@host:path`, as ssh has it. */
function readShortForm(text: string): Repository {
  const [, path] = /^(?:[\w.-]+@)?[A-Za-z0-9][\w.-]*:([^:]+)$/.exec(text) ?? [];
  if (path === undefined || path.startsWith("-")) throw notUrl();
  return { url: text, origin: undefined, login: undefined, name: directoryName(path) };
}

function loginOf({ username, password }: URL): Login | undefined {
  if (username === "" && password === "") return undefined;
  const login = { username: decode(username), password: decode(password) };
  // Git is told of both line by line.
  if (/[\r\n\0]/.test(login.username + login.password)) throw notUrl();
  return login;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw notUrl();
  }
}

function directoryName(path: string): string {
  const name = posix.basename(path.replace(/\/+$/, "").replace(/\/\.git$/, "")).replace(/\.git$/, "");
  return decode(name.replace(/%2f/gi, "-")).replaceAll("/", "-");
}

/** Nothing of it is repeated: it may hold a password. */
const notUrl = (): TenkiError =>
  new TenkiError("invalid_argument", "the repository is no URL that git can clone", {
    hint: "https://host/owner/name, ssh://user@host/path or user@host:path",
  });
