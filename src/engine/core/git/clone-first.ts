import { homeDirectory } from "../../../domain/file.js";
import type { Runtime } from "../ports/runtime.js";
import type { SessionRecord } from "../ports/store.js";
import type { Secrets } from "../sessions/session-secrets.js";
import { cloneCall, type GitCall } from "./git-call.js";
import { runGit } from "./run-git.js";

/** The clone that a new session begins with; undefined where none is asked for. */
export const readFirstClone = (url: string): GitCall | undefined =>
  url === "" ? undefined : { operation: "clone", directory: undefined, ...cloneCall({ repo: url }) };

export interface FirstClone {
  readonly session: SessionRecord;
  readonly clone: GitCall;
  readonly secrets: Secrets;
  readonly signal: AbortSignal;
}

/** Clones into a sandbox that runs and is not announced yet. */
export async function cloneFirst(
  runtime: Runtime,
  { session, clone, secrets, signal }: FirstClone,
): Promise<void> {
  await runGit(runtime, {
    sessionId: session.id,
    call: clone,
    directory: homeDirectory,
    environment: { ...session.env, ...secrets },
    secrets: Object.values(secrets),
    signal,
  });
}
