import type { RunningCommand } from "../../client/index.js";
import type { InputStream } from "../io.js";
import type { DetachKeys } from "./detach-keys.js";

export interface PumpOptions {
  readonly detach?: { readonly keys: DetachKeys; readonly leave: () => void } | undefined;
  /** The command's stdin ends with ours. Default true. */
  readonly closesAtEnd?: boolean | undefined;
}

/** Passes stdin on to a command, as fast as the command takes it, until either ends. */
export class StdinPump {
  readonly #stdin: InputStream;
  readonly #options: PumpOptions;
  #stopped = false;

  constructor(stdin: InputStream, command: RunningCommand, options: PumpOptions = {}) {
    this.#stdin = stdin;
    this.#options = options;
    void this.#run(command);
  }

  /** The command has ended: what was not read yet is nobody's. */
  stop(): void {
    this.#stopped = true;
    this.#stdin.destroy();
  }

  async #run(command: RunningCommand): Promise<void> {
    const { detach, closesAtEnd = true } = this.#options;
    try {
      for await (const chunk of this.#stdin) {
        if (this.#stopped) return;
        const { pass, leaves } = detach?.keys.read(chunk as Uint8Array) ?? {
          pass: chunk as Uint8Array,
          leaves: false,
        };
        if (pass.length > 0) await command.writeStdin(pass);
        if (leaves) return detach?.leave();
      }
    } catch {
      // It cannot be read (closed, a directory), or the command has closed its end: either way it is at its end.
    }
    if (!this.#stopped && closesAtEnd) await command.closeStdin().catch(() => undefined);
  }
}
