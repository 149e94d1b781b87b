import type { SandboxFile } from "../ports/runtime.js";
import type { SessionRecord } from "../ports/store.js";

/** On a tmpfs of the sandbox's own: neither on its disk nor on anything made of that. */
export const secretsPath = "/run/tenki/secrets.json";
const loginPath = "/run/tenki/git-login";

const github = "https://github.com";

/**
 * How a session's token gets inside: for the engine to find again, and for git, which is told of it for
 * GitHub and for the server that the session's own repository was cloned from, and for no other.
 */
export function secretFiles(
  { repositoryOrigin }: Pick<SessionRecord, "repositoryOrigin">,
  secrets: Readonly<Record<string, string>>,
): SandboxFile[] {
  const token = secrets["GIT_TOKEN"] ?? secrets["GH_TOKEN"];
  if (token === undefined) return [];
  const origins = new Set([github, ...(repositoryOrigin === undefined ? [] : [repositoryOrigin])]);
  return [
    { path: secretsPath, content: JSON.stringify(secrets), mode: 0o400, owner: "user" },
    {
      path: loginPath,
      content: `username=x-access-token\npassword=${token}\n`,
      mode: 0o400,
      owner: "user",
    },
    { path: "/etc/gitconfig", content: gitConfig(origins), mode: 0o644 },
  ];
}

/** An origin is what the URL parser made of it: no quotation mark or line break is left in one. */
const gitConfig = (origins: ReadonlySet<string>): string =>
  [...origins].map((origin) => `[credential "${origin}"]\n\thelper = "${helper}"\n`).join("");

/** Asked for a login only: git must not make a file of it by itself. */
const helper = `!f() { test \\"$1\\" != get || cat ${loginPath} 2>/dev/null; }; f`;
