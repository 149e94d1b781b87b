import type { CommandExit } from "../../../domain/command.js";
import { TenkiError } from "../../../domain/error.js";
import { type ExecutionInfo, hasEnded } from "../../../domain/execution.js";
import { Listeners } from "../../../lib/listeners.js";
import type { Logger } from "../../../lib/logger.js";
import { Wakeup } from "../../../lib/wakeup.js";
import { ExecutionInput } from "./execution-input.js";
import { eventOf, type ExecutionEvent, nextExecutionState, wrongExecutionState } from "./execution-states.js";
import { gatherOutput } from "./gather-output.js";
import { HeldExit } from "./held-exit.js";
import type { Clock } from "../ports/clock.js";
import type { ExecutionRecord, ExecutionStore } from "../ports/execution-store.js";
import type { OutputLog } from "../ports/output-logs.js";
import type { GuestProcess, Runtime } from "../ports/runtime.js";
import { pause, reachExecution } from "./reach-execution.js";
import { messageOf } from "../sessions/session-table.js";
import type { Sessions } from "../sessions/sessions.js";

export interface RecordingParts {
  readonly store: ExecutionStore;
  readonly sessions: Sessions;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What breaks off again and again is come back to at leisure. */
const pausePerBreakMs = 1_000;
const breaksMax = 15;
/** Until what could not be kept is tried again. */
const keepAgainMs = 1_000;

/** Takes one execution's output from the sandbox to its log, and its exit to the record. Nobody else does. */
export class ExecutionRecording {
  readonly log: OutputLog;
  readonly input: ExecutionInput;
  /** Told of more output, and of the end. */
  readonly changes = new Listeners();
  readonly #parts: RecordingParts;
  readonly #stop = new AbortController();
  #record: ExecutionRecord;
  #process: GuestProcess | undefined;
  #problem: string | undefined;
  /** Who asked for it is gone: it was hung up on. */
  #hungUp = false;

  constructor(parts: RecordingParts, record: ExecutionRecord, log: OutputLog) {
    this.#parts = parts;
    this.#record = record;
    this.log = log;
    this.input = new ExecutionInput(record.takesInput);
  }

  get info(): ExecutionInfo {
    if (hasEnded(this.#record.state)) return this.#record;
    const { keptFrom, end } = this.log;
    return { ...this.#record, outputBytes: end, keptFrom, problem: this.#problem };
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Resolves when it has ended, or `stop` was called; `process` is what was started, else it is come back to. */
  async run(process?: GuestProcess): Promise<void> {
    try {
      let next = process;
      for (let breaks = 0; !(await this.#follow(next)); breaks += 1) {
        next = undefined;
        const pauseMs = Math.min(breaks, breaksMax) * pausePerBreakMs;
        if (pauseMs > 0) await pause(this.#parts.clock, pauseMs, this.#stop.signal);
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return; // the next engine goes on from here
      await this.end("lost", { problem: messageOf(error) }).catch(() => undefined);
    } finally {
      this.#leave();
      await this.log.close();
      this.changes.notify();
    }
  }

  /** Writes down how it ended; for as long as that cannot be, it is tried again. */
  async end(event: ExecutionEvent, outcome: Pick<ExecutionRecord, "exit" | "problem">): Promise<void> {
    const { state } = this.#record;
    const { keptFrom, end } = this.log;
    const endedAt = this.#parts.clock.now();
    const ended = { ...this.#record, ...outcome, endedAt, outputBytes: end, keptFrom };
    const record = { ...ended, state: nextExecutionState(state, event) };
    await this.#insist(() => this.#parts.store.updateExecution(record));
    this.#record = record;
    this.changes.notify();
    const { id, sessionId } = record;
    this.#parts.log.info("execution", { execution: id, session: sessionId, from: state, to: record.state });
  }

  /** Until its command is reached or it has ended; the signal bounds it. */
  reached(signal: AbortSignal): Promise<void> {
    return this.#until(() => this.#process !== undefined || hasEnded(this.#record.state), signal);
  }

  ended(signal: AbortSignal): Promise<void> {
    return this.#until(() => hasEnded(this.#record.state), signal);
  }

  signal(name: string): void {
    const { state } = this.#record;
    if (hasEnded(state)) throw new TenkiError("failed_precondition", wrongExecutionState(state));
    if (this.#process === undefined) throw new TenkiError("unavailable", "the sandbox does not answer");
    this.#process.signal(name);
  }

  resize(...size: Parameters<GuestProcess["resize"]>): void {
    this.#process?.resize(...size);
  }

  /** Ends it as a terminal's closing would. */
  hangUp(): void {
    this.#hungUp = true;
    this.#process?.close();
  }

  /** Leaves it as it is, running. */
  stop(): void {
    this.#stop.abort(new TenkiError("unavailable", "the engine is stopping"));
    this.#process?.detach();
  }

  /** True when it has ended; false when it broke off, and has to be come back to. */
  async #follow(started: GuestProcess | undefined): Promise<boolean> {
    const { id, sessionId } = this.#record;
    const { signal } = this.#stop;
    const process =
      started ?? (await reachExecution(this.#parts, { id, sessionId, outputOffset: this.log.end, signal }));
    const letGo = this.#parts.sessions.hold(sessionId);
    this.#process = process;
    try {
      signal.throwIfAborted();
      if (this.#hungUp) process.close();
      this.input.connect(process);
      this.changes.notify();
      return await this.#take(process);
    } catch (error) {
      process.detach();
      if (signal.aborted || !isBreak(error)) throw error;
      return false;
    } finally {
      this.#leave();
      letGo();
    }
  }

  async #take(process: GuestProcess): Promise<boolean> {
    const exit = new HeldExit();
    try {
      for await (const event of gatherOutput(exit.of(process.events))) {
        if (event.kind === "exit") {
          await this.end(eventOf(event.exit), { exit: event.exit });
          return true;
        }
        if (event.kind === "stdin_taken") this.input.grant(event.bytes);
        else await this.#keep(event);
      }
    } finally {
      exit.letGo();
    }
    this.#stop.signal.throwIfAborted();
    if (!this.#hungUp) return false;
    await this.end("failed", { exit: hungUpOn(this.#record.startedAt, this.#parts.clock.now()) });
    return true;
  }

  async #keep(piece: Parameters<OutputLog["append"]>[0]): Promise<void> {
    await this.#insist(() => this.log.append(piece));
    this.changes.notify();
  }

  /** A disk that is full holds the command back, and costs it nothing that it said. */
  async #insist(action: () => Promise<void> | void): Promise<void> {
    for (;;) {
      try {
        await action();
        this.#problem = undefined;
        return;
      } catch (error) {
        if (error instanceof TenkiError && error.kind === "not_found") throw error;
        this.#complain(messageOf(error));
        await pause(this.#parts.clock, keepAgainMs, this.#stop.signal);
      }
    }
  }

  #complain(problem: string): void {
    if (this.#problem === problem) return;
    this.#problem = problem;
    this.#parts.log.error("an execution is held up", { execution: this.#record.id, error: problem });
  }

  async #until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
    const wakeup = new Wakeup();
    const stopListening = this.changes.add(wakeup.wake);
    signal.addEventListener("abort", wakeup.wake);
    while (!signal.aborted && !isSo()) await wakeup.wait();
    signal.removeEventListener("abort", wakeup.wake);
    stopListening();
  }

  #leave(): void {
    this.#process = undefined;
    this.input.disconnect();
  }
}

/** What the kernel and the sandbox say when they are gone, or talk nonsense. */
const isBreak = (error: unknown): boolean =>
  error instanceof TenkiError && (error.kind === "unavailable" || error.kind === "internal");

/** Nobody is there to be told the real one. */
const hungUpOn = (startedAt: Date, now: Date): CommandExit => ({
  exitCode: 129,
  signal: "HUP",
  timedOut: false,
  durationMs: now.getTime() - startedAt.getTime(),
  reason: "signaled",
});
