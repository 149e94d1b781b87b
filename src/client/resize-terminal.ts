import type { TerminalSize } from "../domain/command.js";
import type { RunningCommand } from "./running-command.js";

type Starter = (argv: readonly string[]) => Promise<RunningCommand>;

/** The contract has no frame for a resize: a second command sets the size of the first one's terminal. */
export class TerminalResizer {
  readonly #start: Starter;
  readonly #pid: number;
  #wanted: TerminalSize | undefined;
  #running: Promise<void> | undefined;

  /** `start` runs a command as the user that the first one runs as. */
  constructor(start: Starter, pid: number) {
    this.#start = start;
    this.#pid = pid;
  }

  /** One at a time; of sizes that come meanwhile the last one counts. */
  follow(size: TerminalSize): Promise<void> {
    this.#wanted = size;
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #run(): Promise<void> {
    while (this.#wanted !== undefined) {
      const { columns, rows } = this.#wanted;
      this.#wanted = undefined;
      await this.#set(columns, rows).catch(() => undefined); // it may have ended; a wrong size is no reason to fail
    }
  }

  async #set(columns: number, rows: number): Promise<void> {
    const script = 'stty rows "$1" cols "$2" < "/proc/$3/fd/0"';
    const command = await this.#start(["sh", "-c", script, "sh", `${rows}`, `${columns}`, `${this.#pid}`]);
    for await (const _ of command.output); // nothing is said that anybody needs
    await command.exit;
  }
}
