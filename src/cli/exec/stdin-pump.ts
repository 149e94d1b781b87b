import type { RunningCommand } from "../../client/index.js";
import type { InputStream } from "../io.js";

/** Passes stdin on to a command, as fast as the command takes it, until either ends. */
export class StdinPump {
  readonly #stdin: InputStream;
  #stopped = false;

  constructor(stdin: InputStream, command: RunningCommand) {
    this.#stdin = stdin;
    void this.#run(command);
  }

  /** The command has ended: what was not read yet is nobody's. */
  stop(): void {
    this.#stopped = true;
    this.#stdin.destroy();
  }

  async #run(command: RunningCommand): Promise<void> {
    try {
      for await (const chunk of this.#stdin) {
        if (this.#stopped) return;
        await command.writeStdin(chunk as Uint8Array);
      }
    } catch {
      // It cannot be read (closed, a directory), or the command has closed its end: either way it is at its end.
    }
    if (!this.#stopped) await command.closeStdin().catch(() => undefined);
  }
}
