import { homeDirectory } from "../../../domain/file.js";
import { callGuest } from "../commands/guest-calls.js";
import type { Runtime } from "../ports/runtime.js";
import type { Sessions } from "../sessions/sessions.js";
import { readGitCall } from "./git-call.js";
import { runGit } from "./run-git.js";

/** Git in sessions, as their user. */
export class Git {
  readonly #sessions: Sessions;
  readonly #runtime: Runtime;

  constructor(sessions: Sessions, runtime: Runtime) {
    this.#sessions = sessions;
    this.#runtime = runtime;
  }

  /** Without a directory of its own, an operation is about the repository that was cloned last. */
  async operate(
    sessionId: string,
    operation: string,
    args: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<string> {
    const sessions = this.#sessions;
    const call = readGitCall(operation, args);
    const output = await callGuest(sessions, sessionId, async (session) => {
      const known = await sessions.secrets.of(session, signal);
      const own = call.clone === undefined ? session.repositoryDirectory : undefined;
      return runGit(this.#runtime, {
        sessionId,
        call,
        directory: call.directory ?? own ?? homeDirectory,
        environment: { ...session.env, ...known },
        secrets: Object.values(known),
        signal,
      });
    });
    if (call.clone !== undefined) await sessions.noteRepository(sessionId, call.clone.directory);
    return output;
  }
}
