import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasEnded } from "../../src/domain/execution.js";
import { Commands } from "../../src/engine/core/commands/commands.js";
import { Executions, type StartExecution } from "../../src/engine/core/executions/executions.js";
import type { ExecutionView, ViewRange } from "../../src/engine/core/executions/execution-view.js";
import type { OutputLogs } from "../../src/engine/core/ports/output-logs.js";
import type { GuestEvent } from "../../src/engine/core/ports/runtime.js";
import type { CommandExit } from "../../src/domain/command.js";
import { DiskOutputLogs } from "../../src/engine/outputs/disk-output-logs.js";
import { startDeadline } from "../../src/lib/deadline.js";
import { silentLogger } from "../../src/lib/logger.js";
import { Workbench } from "./workbench.js";

/** Executions on a machine in memory, with their output on the disk. */
export class ExecutionBench {
  readonly work = new Workbench();
  readonly dataDir = mkdtempSync(join(tmpdir(), "tenki-executions-"));
  logs: OutputLogs = new DiskOutputLogs(this.dataDir);
  executions = this.#newExecutions();
  sessionId = "";

  static async open(): Promise<ExecutionBench> {
    const bench = new ExecutionBench();
    bench.sessionId = (await bench.work.createRunning({ env: { FROM: "session" } })).id;
    return bench;
  }

  async close(): Promise<void> {
    await this.executions.close();
    rmSync(this.dataDir, { recursive: true });
  }

  get store() {
    return this.work.store.executions;
  }

  /** This engine stops, and the next begins. */
  async restart(): Promise<void> {
    await this.executions.close();
    this.work.lose();
    this.executions = this.#newExecutions();
    await this.executions.recover();
  }

  start(argv: readonly string[], request: Partial<StartExecution> = {}) {
    return this.executions.start(this.sessionId, { ...plain, argv, ...request });
  }

  /** Once it has ended. */
  async ended(id: string) {
    const deadline = startDeadline(10_000);
    const execution = await this.executions.wait(id, deadline.signal).finally(() => deadline.clear());
    assert.ok(hasEnded(execution.state), `still ${execution.state}`);
    return execution;
  }

  async attach(id: string, range: Partial<ViewRange> = {}): Promise<Seen> {
    return new Seen(await this.executions.attach(id, { outputOffset: 0, follow: true, ...range }));
  }

  #newExecutions(): Executions {
    const { store, sessions, parts, clock } = this.work;
    return new Executions({
      store: store.executions,
      logs: {
        open: (...key) => this.logs.open(...key),
        remove: (...key) => this.logs.remove(...key),
        sweep: (keep) => this.logs.sweep(keep),
      },
      sessions,
      commands: new Commands(sessions, parts.runtime),
      runtime: parts.runtime,
      clock,
      key: "key",
      log: silentLogger,
    });
  }
}

/** What one caller sees, as much as it wants to. */
export class Seen {
  readonly view: ExecutionView;
  readonly #events: AsyncIterator<GuestEvent>;
  text = "";
  granted = 0;
  exit: CommandExit | undefined;

  constructor(view: ExecutionView) {
    this.view = view;
    this.#events = view.events[Symbol.asyncIterator]();
  }

  async until(text: string): Promise<void> {
    while (!this.text.includes(text)) assert.ok(await this.#step(), `ended without ${text}: ${this.text}`);
  }

  /** How it ended; undefined where that was not said. */
  async end(): Promise<CommandExit | undefined> {
    while (await this.#step());
    return this.exit;
  }

  type(text: string): void {
    void this.view.writeStdin(Buffer.from(text));
  }

  async #step(): Promise<boolean> {
    const next = await this.#events.next();
    if (next.done === true) return false;
    const event = next.value;
    if (event.kind === "exit") this.exit = event.exit;
    else if (event.kind === "stdin_taken") this.granted += event.bytes;
    else this.text += Buffer.from(event.data).toString();
    return true;
  }
}

const plain: StartExecution = {
  argv: [],
  cwd: "",
  env: {},
  terminal: false,
  privileged: false,
  takesInput: false,
  timeoutMs: 0,
};
