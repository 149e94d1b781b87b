import type { TerminalSize } from "../../../domain/command.js";
import { TenkiError } from "../../../domain/error.js";
import { checkCommand, checkEnvironment } from "./check-command.js";
import { commandEnvironment, terminalSize, withoutSize } from "./command-environment.js";
import { callGuest, explainedProcess } from "./guest-calls.js";
import type { GuestCommand, GuestProcess, KeptCommand, Runtime, SpawnResult } from "../ports/runtime.js";
import type { Sessions } from "../sessions/sessions.js";
import { workingDirectory } from "./working-directory.js";

export interface RunCommand {
  readonly argv: readonly string[];
  /** Empty: the home directory. Relative: below it. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly terminal: boolean;
  /** What the terminal begins with; default: what the environment says. */
  readonly terminalSize?: TerminalSize | undefined;
  readonly privileged: boolean;
  /** 0 = no bound. */
  readonly timeoutMs: number;
}

/** Runs commands in sessions: where they start, and with which environment. */
export class Commands {
  readonly #sessions: Sessions;
  readonly #runtime: Runtime;

  constructor(sessions: Sessions, runtime: Runtime) {
    this.#sessions = sessions;
    this.#runtime = runtime;
  }

  /** For a caller who follows it: when it breaks off, that is what the session says about it. */
  async run(
    sessionId: string,
    request: RunCommand,
    signal: AbortSignal,
    kept?: KeptCommand,
  ): Promise<SpawnResult> {
    const spawned = await this.start(sessionId, request, signal, kept);
    if (!spawned.started) return spawned;
    return { started: true, process: explainedProcess(this.#sessions, sessionId, spawned.process) };
  }

  /** The same for one who finds out by itself what a process's breaking off means. */
  async start(
    sessionId: string,
    request: RunCommand,
    signal: AbortSignal,
    kept?: KeptCommand,
  ): Promise<SpawnResult> {
    checkRequest(request);
    return callGuest(this.#sessions, sessionId, async (session) => {
      const secrets = await this.#sessions.secrets.of(session, signal);
      const cwd = workingDirectory(request, session);
      const command = { ...toGuestCommand({ ...session.env, ...secrets }, request), cwd };
      return this.#runtime.spawn(sessionId, { ...command, kept }, signal);
    });
  }

  /** Comes back to a command that was kept. */
  async attach(
    sessionId: string,
    id: string,
    outputOffset: number,
    signal: AbortSignal,
  ): Promise<GuestProcess> {
    const attach = async () => {
      try {
        return await this.#runtime.attach(sessionId, id, { outputOffset }, signal);
      } catch (error) {
        const isUnknown = error instanceof TenkiError && error.kind === "not_found";
        throw isUnknown ? new TenkiError("not_found", `execution not found: ${id}`) : error;
      }
    };
    const process = await callGuest(this.#sessions, sessionId, attach);
    return explainedProcess(this.#sessions, sessionId, process);
  }
}

/** Refuses what could not be run in any session. */
export function checkRequest({ argv, cwd, env }: RunCommand): void {
  checkCommand(argv, cwd);
  checkEnvironment(env);
}

function toGuestCommand(
  own: Readonly<Record<string, string>>,
  request: RunCommand,
): Omit<GuestCommand, "cwd"> {
  const { argv, privileged, terminal, timeoutMs } = request;
  const env = commandEnvironment(own, request.env, { privileged, terminal });
  return {
    argv,
    env: terminal ? withoutSize(env) : env,
    privileged,
    terminal: terminal ? (request.terminalSize ?? terminalSize(env)) : undefined,
    timeoutMs,
  };
}
