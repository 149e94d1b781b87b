import type { CommandExit, CommandOutput } from "../domain/command.js";
import { openAttach, type Attachment } from "./open-attach.js";
import type { Rpc } from "./rpc.js";

export interface ReadKeptOptions {
  /** Begin behind so many bytes of output. */
  readonly outputOffset?: number | undefined;
  /** Begin at most so many bytes before the end instead. */
  readonly tailBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a command has written until now, for one reader. */
export class KeptOutput implements AsyncIterable<CommandOutput> {
  /** Where it begins: behind what was asked for where that is not kept any more. */
  readonly outputOffset: number;
  /** Behind what was read by now: where whoever goes on begins. */
  nextOffset: number;
  /** Known once all was read, where the command has ended. */
  exit: CommandExit | undefined;
  readonly #attachment: Attachment;

  constructor(attachment: Attachment) {
    this.outputOffset = this.nextOffset = attachment.outputOffset;
    this.#attachment = attachment;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CommandOutput, void, undefined> {
    const { link } = this.#attachment;
    try {
      for (let event = await link.next(); event !== undefined; event = await link.next()) {
        if (event.kind === "exit") this.exit = event.exit;
        if (event.kind !== "stdout" && event.kind !== "stderr") continue;
        this.nextOffset += event.data.length;
        yield event;
      }
    } finally {
      link.close();
    }
  }
}

export async function readKeptOutput(
  rpc: Rpc,
  executionId: string,
  options: ReadKeptOptions = {},
): Promise<KeptOutput> {
  const { signal, ...from } = options;
  return new KeptOutput(await openAttach(rpc, { executionId, ...from, noFollow: true }, { signal }));
}
