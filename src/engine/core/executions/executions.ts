import { randomUUID } from "node:crypto";
import { TenkiError } from "../../../domain/error.js";
import { type ExecutionInfo, hasEnded } from "../../../domain/execution.js";
import { checkRequest, type Commands, type RunCommand } from "../commands/commands.js";
import { ExecutionRecording, type RecordingParts } from "./execution-recording.js";
import { ExecutionRetention } from "./execution-retention.js";
import { wrongExecutionState } from "./execution-states.js";
import { ExecutionView, type ViewedExecution, type ViewRange } from "./execution-view.js";
import { resolveWorkingDirectory } from "../files/guest-path.js";
import { defaultPageSize, runningExecutionsMax } from "../workspace/limits.js";
import { decodePageToken, encodePageToken } from "../page-token.js";
import type { ExecutionFilter, ExecutionRecord } from "../ports/execution-store.js";
import type { OutputLog, OutputLogs } from "../ports/output-logs.js";
import { messageOf } from "../sessions/session-table.js";

export interface ExecutionsOptions extends RecordingParts {
  readonly commands: Commands;
  readonly logs: OutputLogs;
  /** What tells this engine's page tokens from another's. */
  readonly key: string;
}

export interface StartExecution extends RunCommand {
  readonly takesInput: boolean;
}

export interface ListExecutions extends ExecutionFilter {
  /** 0 = a default. */
  readonly pageSize: number;
  /** Empty: the first page. */
  readonly pageToken: string;
}

export interface ExecutionList {
  readonly executions: readonly ExecutionInfo[];
  /** Empty: there are no more. */
  readonly nextPageToken: string;
}

/** How long who attaches waits for a command that is being come back to; then there is its output only. */
const reachMs = 2_000;

/** Commands that are recorded before they are started, and whose output is kept whoever is there to read it. */
export class Executions {
  readonly #options: ExecutionsOptions;
  readonly #retention: ExecutionRetention;
  readonly #recordings = new Map<string, ExecutionRecording>();
  /** What has to come to its end before the record is closed. */
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  constructor(options: ExecutionsOptions) {
    this.#options = options;
    this.#retention = new ExecutionRetention(options);
  }

  /** Resolves once it runs, or has FAILED to start. */
  async start(sessionId: string, request: StartExecution): Promise<ExecutionInfo> {
    const { signal } = this.#stop;
    signal.throwIfAborted();
    const recording = await this.#insert(this.#newRecord(sessionId, request));
    const { id } = recording.info;
    const spawning = this.#options.commands.start(sessionId, request, signal, { id, lingerMs: 0 });
    try {
      const spawned = await this.#track(spawning);
      if (spawned.started) this.#follow(recording, recording.run(spawned.process));
      else await this.#forget(recording, recording.end("failed", { exit: spawned.exit }));
    } catch (error) {
      // It may have started all the same: an engine that stops leaves that to the next.
      if (!signal.aborted)
        await this.#forget(recording, recording.end("lost", { problem: messageOf(error) }));
      throw error;
    }
    return recording.info;
  }

  /** As it is now; an unknown id is `not_found`. */
  get(id: string): ExecutionInfo {
    const execution = this.find(id);
    if (execution === undefined) throw notFound(id);
    return execution;
  }

  find(id: string): ExecutionInfo | undefined {
    return this.#recordings.get(id)?.info ?? this.#options.store.getExecution(id);
  }

  list({ sessionId, runningOnly, pageSize, pageToken }: ListExecutions): ExecutionList {
    const { store, key } = this.#options;
    const size = pageSize || defaultPageSize;
    const after = pageToken === "" ? undefined : decodePageToken(pageToken, `${key}.executions`);
    const page = store.listExecutions({ sessionId, runningOnly }, { size, after });
    return {
      executions: page.executions.map((record) => this.#recordings.get(record.id)?.info ?? record),
      nextPageToken: page.next === undefined ? "" : encodePageToken(page.next, `${key}.executions`),
    };
  }

  /** Until it has ended, or the signal aborts; as it is then. */
  async wait(id: string, signal: AbortSignal): Promise<ExecutionInfo> {
    await this.#recordings.get(id)?.ended(signal);
    return this.get(id);
  }

  signal(id: string, name: string): void {
    this.#require(id).signal(name);
  }

  /** Ends it as a terminal's closing would; what has ended stays as it is. */
  hangUp(id: string): void {
    this.#recordings.get(id)?.hangUp();
  }

  /** Any number of callers at once. */
  async attach(id: string, range: ViewRange): Promise<ExecutionView> {
    const recording = this.#recordings.get(id);
    // Before, nobody knows how much of its input it was handed.
    if (recording?.info.takesInput === true) await recording.reached(AbortSignal.timeout(reachMs));
    return new ExecutionView(recording ?? (await this.#reopen(this.get(id))), range);
  }

  /** After a start, behind the sessions: comes back to what runs, in the background, and drops what is over long ago. */
  async recover(): Promise<void> {
    const running = this.#options.store.runningExecutions();
    await Promise.all(running.map((record) => this.#recover(record)));
    await this.#retention.begin();
  }

  /** Lets go of what runs, and leaves it running. */
  async close(): Promise<void> {
    this.#stop.abort(new TenkiError("unavailable", "the engine is stopping"));
    this.#retention.stop();
    for (const recording of this.#recordings.values()) recording.stop();
    while (this.#running.size > 0) {
      await Promise.allSettled(this.#running);
      for (const recording of this.#recordings.values()) recording.stop();
    }
  }

  #newRecord(sessionId: string, request: StartExecution): ExecutionRecord {
    checkRequest(request);
    const { sessions, clock, store } = this.#options;
    sessions.requireRunning(sessionId);
    if (store.countRunning(sessionId) >= runningExecutionsMax) {
      throw new TenkiError(
        "resource_exhausted",
        `quota reached: ${runningExecutionsMax} executions run in this session already`,
        { hint: "wait for some of them to end, or end them" },
      );
    }
    const { argv, cwd, privileged, terminal, takesInput } = request;
    return {
      id: randomUUID(),
      sessionId,
      argv,
      cwd: resolveWorkingDirectory(cwd),
      privileged,
      terminal,
      takesInput: takesInput || terminal,
      state: "RUNNING",
      startedAt: clock.now(),
      outputBytes: 0,
      keptFrom: 0,
    };
  }

  async #insert(record: ExecutionRecord): Promise<ExecutionRecording> {
    const { store, logs } = this.#options;
    store.insertExecution(record);
    try {
      return this.#record(record, await logs.open(record.sessionId, record.id));
    } catch (error) {
      store.deleteExecution(record.id);
      throw error;
    }
  }

  #record(record: ExecutionRecord, log: OutputLog): ExecutionRecording {
    const recording = new ExecutionRecording(this.#options, record, log);
    this.#recordings.set(record.id, recording);
    return recording;
  }

  #follow(recording: ExecutionRecording, running: Promise<void>): void {
    void this.#track(this.#forget(recording, running));
  }

  /** Once it has ended the record says all. */
  async #forget(recording: ExecutionRecording, ending: Promise<void>): Promise<void> {
    await ending;
    const { id, sessionId, state } = recording.info;
    this.#recordings.delete(id);
    if (hasEnded(state)) await this.#retention.prune(sessionId);
  }

  async #recover(record: ExecutionRecord): Promise<void> {
    const { store, logs, log } = this.#options;
    try {
      const recording = this.#record(record, await logs.open(record.sessionId, record.id));
      this.#follow(recording, recording.run());
    } catch (error) {
      log.error("an execution's output cannot be read", { execution: record.id, error: messageOf(error) });
      store.updateExecution({ ...record, state: "LOST", problem: messageOf(error) });
    }
  }

  async #reopen(info: ExecutionInfo): Promise<ViewedExecution> {
    const log = await this.#options.logs.open(info.sessionId, info.id);
    const ended = () => {
      throw new TenkiError("failed_precondition", wrongExecutionState(info.state));
    };
    return { info, log, pid: 0, signal: ended, resize: () => undefined };
  }

  #require(id: string): ExecutionRecording {
    const recording = this.#recordings.get(id);
    if (recording !== undefined) return recording;
    throw new TenkiError("failed_precondition", wrongExecutionState(this.get(id).state));
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.then(
      () => undefined,
      () => undefined,
    );
    this.#running.add(tracked);
    void tracked.then(() => this.#running.delete(tracked));
    return work;
  }
}

const notFound = (id: string): TenkiError => new TenkiError("not_found", `execution not found: ${id}`);
