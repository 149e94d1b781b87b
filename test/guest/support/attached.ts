import { randomUUID } from "node:crypto";
import type { GuestCommand, GuestEvent, GuestProcess } from "../../../src/engine/core/ports/runtime.js";
import type { GuestSandbox } from "./guest-sandbox.js";
import { neverAborts } from "./run-in.js";

export const kept = (lingerMs: number = 0): Partial<GuestCommand> & { readonly kept: { id: string } } => ({
  kept: { id: randomUUID(), lingerMs },
});

export const attach = (
  sandbox: GuestSandbox,
  { kept: { id } }: { readonly kept: { readonly id: string } },
  outputOffset: number,
): Promise<GuestProcess> => sandbox.link.attach(id, outputOffset, neverAborts());

/** Reads a command's events by hand: leaving it does not close it. */
export class Listener {
  readonly process: GuestProcess;
  /** All output, each byte with the stream it came by. */
  readonly heard: { readonly kind: string; readonly data: Uint8Array }[] = [];
  taken = 0;
  readonly #events: AsyncIterator<GuestEvent>;

  constructor(process: GuestProcess) {
    this.process = process;
    this.#events = process.events[Symbol.asyncIterator]();
  }

  get bytes(): number {
    return this.heard.reduce((sum, { data }) => sum + data.length, 0);
  }

  text(kind?: "stdout" | "stderr"): string {
    const pieces = this.heard.filter((piece) => kind === undefined || piece.kind === kind);
    return Buffer.concat(pieces.map(({ data }) => data)).toString();
  }

  /** As one string with a mark before each byte of stderr, for comparing. */
  marked(): string {
    return this.heard
      .map(({ kind, data }) => {
        const text = Buffer.from(data).toString("latin1");
        return kind === "stdout" ? text : text.replaceAll(/[^]/g, "!$&");
      })
      .join("");
  }

  async next(): Promise<GuestEvent | undefined> {
    const { value } = await this.#events.next();
    const event = value as GuestEvent | undefined;
    if (event?.kind === "stdout" || event?.kind === "stderr") this.heard.push(event);
    if (event?.kind === "stdin_taken") this.taken += event.bytes;
    return event;
  }

  async untilBytes(count: number): Promise<void> {
    while (this.bytes < count) await this.#nextDue();
  }

  async untilExit(): Promise<Extract<GuestEvent, { kind: "exit" }>["exit"]> {
    for (;;) {
      const event = await this.#nextDue();
      if (event.kind === "exit") return event.exit;
    }
  }

  /** To the very end: nobody comes back. */
  async finish(): Promise<void> {
    await this.untilExit();
    await this.next();
  }

  async #nextDue(): Promise<GuestEvent> {
    const event = await this.next();
    if (event === undefined) throw new Error("the events ended without an exit");
    return event;
  }
}
