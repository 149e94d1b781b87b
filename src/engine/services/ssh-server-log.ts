import type { Logger } from "../../lib/logger.js";

const lineLengthMax = 400;
/** For one connection: what says more is not to fill the log. */
const linesMax = 200;

/** What an SSH server says, for the engine's log. It comes from inside, and is taken for no more than some letters. */
export class SshServerLog {
  readonly #log: Logger;
  readonly #sessionId: string;
  readonly #onLine: (line: string) => void;
  readonly #startedAt = performance.now();
  #begun = "";
  #lines = 0;
  #last: string | undefined;
  #exitCode: number | undefined;

  /** `onLine` hears what is logged. */
  constructor(log: Logger, sessionId: string, onLine: (line: string) => void) {
    this.#log = log;
    this.#sessionId = sessionId;
    this.#onLine = onLine;
  }

  add(data: Uint8Array): void {
    const lines = (this.#begun + Buffer.from(data).toString("latin1")).split(/[\r\n]+/);
    this.#begun = (lines.pop() ?? "").slice(0, lineLengthMax);
    for (const line of lines) this.#write(line);
  }

  exited(code: number): void {
    this.#exitCode = code;
  }

  /** One line for every connection that has ended; with the server's own last one where it was not pleased. */
  end(): void {
    this.#write(this.#begun);
    this.#begun = "";
    const ms = Math.round(performance.now() - this.#startedAt);
    const said = this.#exitCode === 0 ? undefined : this.#last;
    this.#log.info("ssh connection", { session: this.#sessionId, code: this.#exitCode, ms, said });
  }

  #write(line: string): void {
    if (line === "") return;
    this.#last = line.slice(0, lineLengthMax).replace(/[^\x20-\x7e]/g, "?");
    this.#lines += 1;
    if (this.#lines > linesMax) return;
    this.#log.debug("sshd", { session: this.#sessionId, said: this.#last });
    this.#onLine(this.#last);
  }
}
