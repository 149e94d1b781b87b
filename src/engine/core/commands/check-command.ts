import { TenkiError } from "../../../domain/error.js";

/** Refuses what the kernel cannot hand to a program as it is. */
export function checkCommand(argv: readonly string[], cwd: string): void {
  if (argv.length === 0) throw new TenkiError("invalid_argument", "a command needs a program to run");
  if ([...argv, cwd].some(hasNul)) {
    throw new TenkiError("invalid_argument", "a command and its directory cannot hold NUL bytes");
  }
}

export function checkEnvironment(env: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(env)) {
    if (name === "" || name.includes("=") || hasNul(name)) {
      throw new TenkiError(
        "invalid_argument",
        `"${name.slice(0, 80).replaceAll("\0", "?")}" is no name of an environment variable`,
      );
    }
    if (hasNul(value)) throw new TenkiError("invalid_argument", `the value of ${name} holds a NUL byte`);
  }
}

const hasNul = (text: string): boolean => text.includes("\0");
