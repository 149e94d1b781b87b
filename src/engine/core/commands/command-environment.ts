import type { TerminalSize } from "../../../domain/command.js";
import { homeDirectory } from "../../../domain/file.js";

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A command's whole environment: what everybody has, then the session's, then the request's. */
export function commandEnvironment(
  session: Readonly<Record<string, string>>,
  request: Readonly<Record<string, string>>,
  options: { readonly privileged: boolean; readonly terminal: boolean },
): Record<string, string> {
  const user = options.privileged ? "root" : "tenki";
  return {
    PATH: path,
    HOME: options.privileged ? "/root" : homeDirectory,
    USER: user,
    LOGNAME: user,
    SHELL: "/bin/bash",
    LANG: "C.UTF-8",
    ...(options.terminal ? { TERM: "xterm-256color" } : {}),
    ...session,
    ...request,
  };
}

/** The size that a terminal begins with: callers put theirs into the environment. */
export function terminalSize(env: Readonly<Record<string, string>>): TerminalSize {
  return { columns: cells(env["COLUMNS"]) ?? 80, rows: cells(env["LINES"]) ?? 24 };
}

/**
 * What a program on that terminal gets of it: with a size in their environment, programs such as htop take the
 * terminal never to have another one.
 */
export function withoutSize({
  COLUMNS: _columns,
  LINES: _rows,
  ...env
}: Readonly<Record<string, string>>): Record<string, string> {
  return env;
}

function cells(text: string | undefined): number | undefined {
  const count = Number(text);
  return Number.isInteger(count) && count > 0 && count < 65_536 ? count : undefined;
}
