import type { CommandExit } from "../../../src/domain/command.js";
import type { GuestCommand, GuestProcess } from "../../../src/engine/core/ports/runtime.js";
import type { GuestSandbox } from "./guest-sandbox.js";

/** A signal of its own for each call, as each call has in the engine. */
export const neverAborts = (): AbortSignal => new AbortController().signal;

export const commandOf = (argv: readonly string[], options: Partial<GuestCommand> = {}): GuestCommand => ({
  argv,
  cwd: "/home/tenki",
  env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/home/tenki" },
  privileged: false,
  timeoutMs: 20_000, // a test that hangs fails
  ...options,
});

/** A command that has to start. */
export async function start(
  sandbox: GuestSandbox,
  argv: readonly string[],
  options: Partial<GuestCommand> = {},
): Promise<GuestProcess> {
  const result = await sandbox.link.spawn(commandOf(argv, options), neverAborts());
  if (!result.started) throw new Error(result.exit.reason);
  return result.process;
}

export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: CommandExit;
}

/** What a command says until it ends. */
export async function collect(process: GuestProcess): Promise<Ended> {
  const output = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  for await (const event of process.events) {
    if (event.kind === "stdout" || event.kind === "stderr") output[event.kind].push(event.data);
    if (event.kind !== "exit") continue;
    const [stdout, stderr] = [output.stdout, output.stderr].map((parts) => Buffer.concat(parts).toString());
    return { stdout: stdout ?? "", stderr: stderr ?? "", exit: event.exit };
  }
  throw new Error("the events ended without an exit");
}

/** Runs a command to its end, with this on its stdin (less than a window of it). */
export async function run(
  sandbox: GuestSandbox,
  argv: readonly string[],
  options: Partial<GuestCommand> & { readonly stdin?: string } = {},
): Promise<Ended> {
  const { stdin, ...rest } = options;
  const process = await start(sandbox, argv, rest);
  if (stdin !== undefined) await process.writeStdin(Buffer.from(stdin));
  process.closeStdin();
  return collect(process);
}

export const shell = (
  sandbox: GuestSandbox,
  script: string,
  options: Partial<GuestCommand> & { readonly stdin?: string } = {},
): Promise<Ended> => run(sandbox, ["sh", "-c", script], options);
