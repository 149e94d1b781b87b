import type { DataPlane } from "./data-plane.js";
import { CommandTimeoutError, SandboxError } from "./errors.js";
import { OpenCodeTranscript, type OpenCodeEvent } from "./open-code-transcript.js";
import { runCommand } from "./run-command.js";
import type { RunningCommand } from "./running-command.js";

export interface OpenCodeRunOptions {
  /** `provider/model`; default: the sandbox's own. */
  readonly model?: string | undefined;
  readonly workDir?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Default 30 minutes. */
  readonly timeoutMs?: number | undefined;
  /** The agent waits for a promise that is returned. */
  readonly onEvent?: ((event: OpenCodeEvent) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface OpenCodeResult {
  /** What the agent said, without its tools' output. */
  readonly text: string;
  readonly events: readonly OpenCodeEvent[];
  /** In US dollars, over all steps. */
  readonly totalCost: number;
  readonly exitCode: number;
  /** The agent's own session, which an instance goes on with. */
  readonly agentSessionId: string | undefined;
}

const defaultTimeoutMs = 30 * 60_000;

/** The OpenCode agent inside a session, by its command line there. */
export class OpenCode {
  readonly #dataPlane: DataPlane;
  #active: RunningCommand | undefined;

  constructor(dataPlane: DataPlane) {
    this.#dataPlane = dataPlane;
  }

  /** One prompt, in an agent session of its own. */
  run(prompt: string, options: OpenCodeRunOptions = {}): Promise<OpenCodeResult> {
    return this.#run(prompt, options, undefined);
  }

  /** An agent that remembers from prompt to prompt; `options` are the defaults of each. */
  startInstance(options: Omit<OpenCodeRunOptions, "signal"> = {}): Promise<OpenCodeInstance> {
    return Promise.resolve(
      new OpenCodeInstance((prompt, more, agentSession) =>
        this.#run(prompt, { ...options, ...more }, agentSession),
      ),
    );
  }

  /** Interrupts the prompt that runs, if one does. */
  async abort(): Promise<void> {
    await this.#active?.signal("INT");
  }

  async #run(
    prompt: string,
    options: OpenCodeRunOptions,
    agentSession: string | undefined,
  ): Promise<OpenCodeResult> {
    const { timeoutMs = defaultTimeoutMs, workDir, env, signal } = options;
    const command = await runCommand(this.#dataPlane, openCodeArgv(prompt, options, agentSession), {
      ...{ cwd: workDir, env, timeoutMs, signal },
    });
    this.#active = command;
    try {
      const transcript = new OpenCodeTranscript(options.onEvent);
      for await (const output of command.output) await transcript.add(output);
      const exit = await command.exit;
      if (exit.timedOut) throw new CommandTimeoutError("deadline_exceeded", "the agent did not end in time");
      if (exit.exitCode !== 0 || exit.errno !== undefined)
        throw failed(exit.reason, exit.exitCode, transcript);
      return transcript.result(exit.exitCode);
    } finally {
      command.close();
      if (this.#active === command) this.#active = undefined;
    }
  }
}

/** Prompts that follow one another in one agent session. */
export class OpenCodeInstance {
  readonly #prompt: OpenCodePrompt;
  #agentSession: string | undefined;

  constructor(prompt: OpenCodePrompt) {
    this.#prompt = prompt;
  }

  async run(prompt: string, options: OpenCodeRunOptions = {}): Promise<OpenCodeResult> {
    const result = await this.#prompt(prompt, options, this.#agentSession);
    this.#agentSession = result.agentSessionId ?? this.#agentSession;
    return result;
  }
}

type OpenCodePrompt = (
  prompt: string,
  options: OpenCodeRunOptions,
  agentSession: string | undefined,
) => Promise<OpenCodeResult>;

function openCodeArgv(
  prompt: string,
  { model }: OpenCodeRunOptions,
  agentSession: string | undefined,
): string[] {
  const chosen = [
    ...(model === undefined ? [] : ["--model", model]),
    ...(agentSession === undefined ? [] : ["--session", agentSession]),
  ];
  return ["opencode", "run", "--format", "json", ...chosen, "--", prompt];
}

function failed(reason: string, exitCode: number, transcript: OpenCodeTranscript): SandboxError {
  const why =
    transcript.complaint() ||
    (reason.startsWith("spawn_failed") ? "it is not installed" : `exit code ${exitCode}`);
  return new SandboxError("failed_precondition", `opencode failed in the sandbox: ${why}`, {
    hint: "create the session with `--opencode`",
  });
}
