import { closeSync, writeSync } from "node:fs";
import { TenkiError } from "../../domain/error.js";

/**
 * Tells whoever started the engine how that went, in one line on a descriptor of its choice: `ready`, or the
 * failure as JSON. Without a descriptor nobody waits.
 */
export class ReadyLine {
  #descriptor: number | undefined;

  constructor(descriptor: number | undefined) {
    this.#descriptor = descriptor;
  }

  ready(): void {
    this.#say("ready");
  }

  failed(error: unknown): void {
    const { kind, message, hint } = asTenkiError(error);
    this.#say(JSON.stringify({ kind, message, hint }));
  }

  #say(line: string): void {
    if (this.#descriptor === undefined) return;
    try {
      writeSync(this.#descriptor, `${line}\n`);
      closeSync(this.#descriptor);
    } catch {
      // who waited has gone
    }
    this.#descriptor = undefined;
  }
}

function asTenkiError(error: unknown): TenkiError {
  if (error instanceof TenkiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new TenkiError("internal", `the engine could not start: ${message}`, { cause: error });
}
