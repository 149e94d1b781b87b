import type { CommandOutput } from "../../domain/command.js";
import type { OutputStream } from "../io.js";
import { writeBytes } from "../output/write.js";
import type { CapturedOutput } from "./captured-output.js";
import type { OutputBursts } from "./output-bursts.js";
import type { Terminal } from "./terminal.js";

type Outputs = Readonly<Record<"stdout" | "stderr", OutputStream>>;

export interface PassOnOptions {
  /** Keeps them in place of passing them on. */
  readonly captured?: CapturedOutput | undefined;
  /** Looks on. */
  readonly terminal?: Terminal | undefined;
  /** Counts. */
  readonly bursts?: OutputBursts | undefined;
}

/** Byte for byte, in the order in which it came; a reader that is slow slows the command. */
export async function passOn(
  output: AsyncIterable<CommandOutput>,
  io: Outputs,
  { captured, terminal, bursts }: PassOnOptions,
): Promise<void> {
  for await (const { kind, data } of output) {
    terminal?.see(data);
    if (captured !== undefined) captured.add(kind, data);
    else await writeBytes(io[kind], data);
    bursts?.wrote(data.length);
  }
}
