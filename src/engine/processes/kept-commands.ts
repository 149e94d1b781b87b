import type { TerminalSize } from "../../domain/command.js";
import { TenkiError } from "../../domain/error.js";
import type { GuestEvent, GuestProcess, KeptCommand } from "../core/ports/runtime.js";
import type { CommandEvents } from "./command-events.js";

/** A command that runs, whoever is there to hear of it. */
export interface RunningCommand {
  readonly pid: number;
  readonly stdinWindowBytes: number;
  readonly events: CommandEvents;
  writeStdin(data: Uint8Array): void;
  closeStdin(): void;
  signal(name: string): void;
  resize(size: TerminalSize): void;
  /** Whoever it ran for is gone for good. Nothing happens where it has ended. */
  hangUp(): void;
}

interface Entry {
  readonly command: RunningCommand;
  readonly lingerMs: number;
  visit: Visit | undefined;
  linger: NodeJS.Timeout | undefined;
}

/** Commands that can be come back to while this process lives. */
export class KeptCommands {
  readonly #entries = new Map<string, Entry>();

  /** Its first caller's side of a command. `key` is of use where it is kept. */
  begin(key: string, command: RunningCommand, kept: KeptCommand | undefined): GuestProcess {
    if (kept === undefined) return new Visit(command, 0, false, () => undefined);
    const entry: Entry = { command, lingerMs: kept.lingerMs, visit: undefined, linger: undefined };
    this.#entries.set(key, entry);
    return this.#visit(key, entry, 0);
  }

  attach(key: string, offset: number): GuestProcess {
    const entry = this.#entries.get(key);
    if (entry === undefined) throw new TenkiError("not_found", "no such command");
    return this.#visit(key, entry, offset);
  }

  /** Its sandbox is gone. */
  forget(matches: (key: string) => boolean): void {
    for (const key of this.#entries.keys()) if (matches(key)) this.#remove(key);
  }

  #visit(key: string, entry: Entry, offset: number): GuestProcess {
    const visit = new Visit(entry.command, offset, true, (why) => {
      entry.visit = undefined;
      if (why === "done") this.#remove(key);
      else if (entry.lingerMs > 0) {
        entry.linger = setTimeout(() => {
          this.#remove(key);
          entry.command.hangUp();
        }, entry.lingerMs).unref();
      }
    });
    clearTimeout(entry.linger);
    entry.visit?.supplant();
    entry.visit = visit;
    return visit;
  }

  #remove(key: string): void {
    clearTimeout(this.#entries.get(key)?.linger);
    this.#entries.delete(key);
  }
}

/** One caller's side of a command: from when it started or was taken over, until the caller leaves. */
class Visit implements GuestProcess {
  readonly pid: number;
  readonly outputOffset: number;
  readonly stdinReceived: number;
  readonly stdinWindowBytes: number;
  readonly events: AsyncIterable<GuestEvent>;
  readonly #command: RunningCommand;
  readonly #kept: boolean;
  readonly #onLeave: (why: "done" | "detached") => void;
  #left = false;
  #supplanted = false;

  constructor(
    command: RunningCommand,
    offset: number,
    kept: boolean,
    onLeave: (why: "done" | "detached") => void,
  ) {
    const { received, pending } = command.events.stdin;
    this.#command = command;
    this.#kept = kept;
    this.#onLeave = onLeave;
    this.pid = command.pid;
    this.outputOffset = offset;
    this.stdinReceived = received;
    this.stdinWindowBytes = command.stdinWindowBytes - pending;
    this.events = this.#follow(command.events.read(offset));
  }

  async writeStdin(data: Uint8Array): Promise<void> {
    if (this.#left) return;
    this.#command.events.receive(data.length);
    this.#command.writeStdin(data);
  }

  closeStdin(): void {
    if (!this.#left) this.#command.closeStdin();
  }

  signal(name: string): void {
    if (!this.#left) this.#command.signal(name);
  }

  resize(size: TerminalSize): void {
    if (!this.#left) this.#command.resize(size);
  }

  close(): void {
    if (this.#leave("done")) this.#command.hangUp();
  }

  detach(): void {
    if (this.#kept) this.#leave("detached");
    else this.close();
  }

  /** Somebody else took it over. */
  supplant(): void {
    this.#left = this.#supplanted = true;
  }

  async *#follow(events: AsyncIterable<GuestEvent>): AsyncGenerator<GuestEvent, void, undefined> {
    try {
      yield* events;
      if (this.#supplanted) throw new TenkiError("unavailable", "somebody else follows the command now");
    } finally {
      this.close();
    }
  }

  #leave(why: "done" | "detached"): boolean {
    if (this.#left) return false;
    this.#left = true;
    this.#command.events.leave();
    this.#onLeave(why);
    return true;
  }
}
