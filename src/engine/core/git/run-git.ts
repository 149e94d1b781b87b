import { TenkiError } from "../../../domain/error.js";
import { formatByteSize } from "../../../lib/byte-size.js";
import { formatGoDuration } from "../../../lib/go-duration.js";
import { commandEnvironment } from "../commands/command-environment.js";
import type { GuestProcess, Runtime } from "../ports/runtime.js";
import { blankSecrets } from "./blank-secrets.js";
import type { GitCall } from "./git-call.js";
import type { Repository } from "./repository-url.js";

export interface GitRun {
  readonly sessionId: string;
  readonly call: GitCall;
  /** Absolute. */
  readonly directory: string;
  /** The session's variables, its secrets included. */
  readonly environment: Readonly<Record<string, string>>;
  /** What must not be read in an error. */
  readonly secrets: readonly string[];
  readonly signal: AbortSignal;
}

/** A clone of the largest repositories; callers give up earlier. */
const timeoutMs = 10 * 60_000;
const outputBytesMax = 16 << 20;
const errorBytesMax = 2_000;

/** Runs git in a sandbox as its user, and returns what it says; whatever goes wrong is a failed operation. */
export async function runGit(runtime: Runtime, run: GitRun): Promise<string> {
  const { call, sessionId, signal } = run;
  const command = {
    argv: ["git", ...call.argv],
    cwd: run.directory,
    env: gitEnvironment(run),
    privileged: false,
    timeoutMs,
  };
  const spawned = await runtime.spawn(sessionId, command, signal);
  if (!spawned.started) throw failed(run, spawned.exit.exitCode, spawned.exit.reason);
  const end = () => spawned.process.close();
  signal.addEventListener("abort", end, { once: true });
  try {
    return await readToEnd(run, spawned.process);
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}

async function readToEnd(run: GitRun, process: GuestProcess): Promise<string> {
  const { operation } = run.call;
  const said = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  const bytes = { stdout: 0, stderr: 0 };
  process.closeStdin();
  for await (const event of process.events) {
    if (event.kind === "stdout" || event.kind === "stderr") {
      bytes[event.kind] += event.data.length;
      if (bytes.stdout > outputBytesMax) throw tooLong(operation);
      if (bytes.stderr <= outputBytesMax) said[event.kind].push(event.data);
    } else if (event.kind === "exit") {
      const { exitCode, timedOut } = event.exit;
      if (timedOut) throw late(operation);
      const [stdout, stderr] = [textOf(said.stdout), textOf(said.stderr)];
      if (exitCode !== 0) throw failed(run, exitCode, stderr);
      // What clone and checkout have to say, git says on stderr.
      return operation === "diff" || operation === "log"
        ? stdout
        : blankSecrets(stdout + stderr, secretsOf(run));
    }
  }
  run.signal.throwIfAborted();
  throw new TenkiError("unavailable", `git ${operation} was ended before its exit was known`);
}

/** Nobody is there to be asked, nothing but the network's own protocols is spoken, and messages are in English. */
function gitEnvironment({ environment, call }: GitRun): Record<string, string> {
  const ours = {
    LC_ALL: "C.UTF-8",
    LANGUAGE: "",
    GIT_ALLOW_PROTOCOL: "http:https:ssh:git",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "",
    GIT_PAGER: "cat",
    ...(call.clone === undefined ? {} : loginEnvironment(call.clone.repository)),
  };
  return commandEnvironment(environment, ours, { privileged: false, terminal: false });
}

/**
 * A name and password that stood in the URL, for this one call: in the environment, where other users of the
 * sandbox do not see them, and neither among the arguments nor in the repository's settings.
 */
function loginEnvironment({ origin, login }: Repository): Record<string, string> {
  if (login === undefined || origin === undefined) return {};
  const key = `credential.${origin}.helper`;
  const say = `printf "username=%s\\npassword=%s\\n" "$TENKI_GIT_USERNAME" "$TENKI_GIT_PASSWORD"`;
  return {
    TENKI_GIT_USERNAME: login.username,
    TENKI_GIT_PASSWORD: login.password,
    GIT_CONFIG_COUNT: "2",
    GIT_CONFIG_KEY_0: key,
    GIT_CONFIG_VALUE_0: "", // no other helper is asked
    GIT_CONFIG_KEY_1: key,
    GIT_CONFIG_VALUE_1: `!f() { test "$1" != get || ${say}; }; f`,
  };
}

const secretsOf = ({ secrets, call }: GitRun): string[] => [
  ...secrets,
  ...Object.values(call.clone?.repository.login ?? {}),
];

function failed(run: GitRun, exitCode: number, stderr: string): TenkiError {
  const saidFirst = stderr.replace(/\nusage: git [^]*$/, ""); // what it says of its flags is of no use to anybody here
  const why = blankSecrets(saidFirst, secretsOf(run)).trim().slice(-errorBytesMax);
  return new TenkiError(
    "failed_precondition",
    `git ${run.call.operation} failed (exit_code=${exitCode}); check the repository, ref and access token: ${why}`,
  );
}

const tooLong = (operation: string): TenkiError =>
  new TenkiError(
    "out_of_range",
    `git ${operation} says more than ${formatByteSize(outputBytesMax)}: narrow it with a path or a range, or run git itself`,
  );

const late = (operation: string): TenkiError =>
  new TenkiError("deadline_exceeded", `git ${operation} did not end within ${formatGoDuration(timeoutMs)}`);

const textOf = (chunks: readonly Uint8Array[]): string => Buffer.concat(chunks).toString("utf8");
