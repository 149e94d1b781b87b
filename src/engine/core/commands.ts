import { checkCommand, checkEnvironment } from "./check-command.js";
import { commandEnvironment, terminalSize } from "./command-environment.js";
import { callGuest, readGuest } from "./guest-calls.js";
import { resolveWorkingDirectory } from "./guest-path.js";
import type { Runtime, SpawnResult } from "./ports/runtime.js";
import type { Sessions } from "./sessions.js";

export interface RunCommand {
  readonly argv: readonly string[];
  /** Empty: the home directory. Relative: below it. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly terminal: boolean;
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

  async run(sessionId: string, request: RunCommand, signal: AbortSignal): Promise<SpawnResult> {
    const { argv, privileged, timeoutMs, terminal } = request;
    checkCommand(argv, request.cwd);
    checkEnvironment(request.env);
    const spawned = await callGuest(this.#sessions, sessionId, async (session) => {
      const secrets = await this.#sessions.secrets.of(session, signal);
      const own = { ...session.env, ...secrets };
      const env = commandEnvironment(own, request.env, { privileged, terminal });
      const size = terminal ? terminalSize(env) : undefined;
      const command = {
        argv,
        cwd: resolveWorkingDirectory(request.cwd),
        env,
        privileged,
        terminal: size,
        timeoutMs,
      };
      return this.#runtime.spawn(sessionId, command, signal);
    });
    if (!spawned.started) return spawned;
    const { process } = spawned;
    const events = readGuest(this.#sessions, sessionId, process.events);
    return {
      started: true,
      process: {
        pid: process.pid,
        outputOffset: process.outputOffset,
        stdinReceived: process.stdinReceived,
        stdinWindowBytes: process.stdinWindowBytes,
        events,
        writeStdin: (data) => process.writeStdin(data),
        closeStdin: () => process.closeStdin(),
        signal: (name) => process.signal(name),
        resize: (size) => process.resize(size),
        close: () => process.close(),
        detach: () => process.detach(),
      },
    };
  }
}
