import type { TerminalSize } from "../domain/command.js";
import type { ExecutionInfo } from "../domain/execution.js";
import { attachExecution, type AttachOptions } from "./attach-execution.js";
import { executionFromWire, startedFromWire } from "./convert/execution.js";
import { millisToWire } from "./convert/time.js";
import { ifOffered } from "./if-offered.js";
import { readKeptOutput, type KeptOutput, type ReadKeptOptions } from "./kept-output.js";
import type { WaitOptions } from "./options/waiting.js";
import { allPages, pageSize } from "./pages.js";
import type { CallSettings, Rpc } from "./rpc.js";
import type { AttachedCommand } from "./running-command.js";
import { streamedOutput, type FinalOutput } from "./streamed-output.js";
import { waitExecution } from "./wait-execution.js";

export interface StartExecutionOptions {
  /** A relative path resolves under the home directory. */
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** As root. */
  readonly privileged?: boolean | undefined;
  /** Gives it a terminal of this size; it then takes input, too. */
  readonly terminal?: TerminalSize | undefined;
  /** Keep its stdin open for who attaches. Default false: it is at its end from the start. */
  readonly stdin?: boolean | undefined;
  /** The service ends it after this long. Default 0 = never. */
  readonly timeoutMs?: number | undefined;
}

export interface ListExecutionsOptions {
  /** Default: of all sessions. */
  readonly sessionId?: string | undefined;
  readonly runningOnly?: boolean | undefined;
}

/** What is done with an execution by its id, whichever session it runs in. */
class ExecutionCalls {
  protected readonly rpc: Rpc;

  constructor(rpc: Rpc) {
    this.rpc = rpc;
  }

  async get(executionId: string, options?: CallSettings): Promise<ExecutionInfo> {
    return this.known(async () =>
      executionFromWire((await this.rpc.execution("getExecution", { executionId }, options)).execution),
    );
  }

  /** Until it has ended. Default: no bound of its own; its session's end is one. */
  wait(executionId: string, options: WaitOptions = {}): Promise<ExecutionInfo> {
    return this.known(() => waitExecution(this.rpc, executionId, options));
  }

  /** By its name without SIG, to the command's process group. */
  async signal(executionId: string, name: string): Promise<void> {
    await this.known(() => this.rpc.execution("signalExecution", { executionId, signal: name }));
  }

  /** Its kept output, then what comes, and its exit; letting go leaves it running. */
  attach(executionId: string, options?: AttachOptions): Promise<AttachedCommand> {
    return this.known(() => attachExecution(this.rpc, executionId, options));
  }

  /** The output that is kept now, without waiting for more. */
  readKept(executionId: string, options?: ReadKeptOptions): Promise<KeptOutput> {
    return this.known(() => readKeptOutput(this.rpc, executionId, options));
  }

  protected async startIn(
    sessionId: string,
    argv: readonly string[],
    options: StartExecutionOptions = {},
  ): Promise<ExecutionInfo> {
    const { cwd = "", env = {}, privileged = false, terminal, stdin = false, timeoutMs } = options;
    return this.known(async () => {
      const answer = await this.rpc.execution("startExecution", {
        ...{ sessionId, argv: [...argv], cwd, env: { ...env }, privileged, terminal },
        takesInput: stdin,
        timeout: millisToWire(timeoutMs === 0 ? undefined : timeoutMs),
      });
      return executionFromWire(answer.execution);
    });
  }

  protected listAll(options: ListExecutionsOptions = {}): Promise<ExecutionInfo[]> {
    const { sessionId = "", runningOnly = false } = options;
    return this.known(() =>
      allPages(async (pageToken) => {
        const page = await this.rpc.execution("listExecutions", {
          ...{ sessionId, runningOnly, pageSize, pageToken },
        });
        return {
          items: page.executions.map((each) => executionFromWire(each)),
          nextPageToken: page.nextPageToken,
        };
      }),
    );
  }

  /** A service without these calls is told apart from one that refuses. */
  protected known<T>(call: () => Promise<T>): Promise<T> {
    return ifOffered(this.rpc, { says: "cannot keep commands: it does not offer executions" }, call);
  }
}

/** Commands that outlive their caller, of all sessions. */
export class Executions extends ExecutionCalls {
  /** Starts a command, and returns as soon as it runs. */
  start(sessionId: string, argv: readonly string[], options?: StartExecutionOptions): Promise<ExecutionInfo> {
    return this.startIn(sessionId, argv, options);
  }

  /** Newest first. */
  list(options?: ListExecutionsOptions): Promise<ExecutionInfo[]> {
    return this.listAll(options);
  }
}

/** As `Executions`, of one session. */
export class SessionExecutions extends ExecutionCalls {
  readonly #sessionId: string;

  constructor(rpc: Rpc, sessionId: string) {
    super(rpc);
    this.#sessionId = sessionId;
  }

  start(argv: readonly string[], options?: StartExecutionOptions): Promise<ExecutionInfo> {
    return this.startIn(this.#sessionId, argv, options);
  }

  list(options: Pick<ListExecutionsOptions, "runningOnly"> = {}): Promise<ExecutionInfo[]> {
    return this.listAll({ ...options, sessionId: this.#sessionId });
  }

  /**
   * Starts a command by the contract's own call, which every service has: with the session's user and directory, and
   * without input. `output` follows it.
   */
  async startStreamed(
    command: string,
    options: { readonly args?: readonly string[] } & Pick<StartExecutionOptions, "env" | "timeoutMs"> = {},
  ): Promise<ExecutionInfo> {
    const { args = [], env = {}, timeoutMs } = options;
    const { execution } = await this.rpc.sandbox("executeCommand", {
      ...{ sessionId: this.#sessionId, command, args: [...args], env: { ...env }, streamOutput: true },
      timeout: millisToWire(timeoutMs === 0 ? undefined : timeoutMs),
    });
    return startedFromWire(execution);
  }

  /** All output of a command by the contract's own call, and its exit with the last piece. */
  output(executionId: string, signal?: AbortSignal): AsyncGenerator<FinalOutput, void, undefined> {
    return streamedOutput(this.rpc, { sessionId: this.#sessionId, executionId }, signal);
  }
}
