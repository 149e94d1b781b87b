import type { Client } from "../../client/index.js";
import type { CommandOutput } from "../../domain/command.js";
import type { ExecutionInfo } from "../../domain/execution.js";
import type { Context } from "../context.js";
import { ConnectionWatch } from "./connection-watch.js";
import { lastLines } from "./last-lines.js";
import { noteGap } from "./output-begin.js";

export interface LogOptions {
  readonly follow: boolean;
  /** Lines; undefined: all. */
  readonly tail: number | undefined;
}

/** What is kept of an output, then, where it is followed, what comes until its command has ended. */
export async function* readLogs(
  client: Client,
  { id }: ExecutionInfo,
  { follow, tail }: LogOptions,
  ctx: Context,
): AsyncGenerator<CommandOutput, void, undefined> {
  const kept = await client.executions.readKept(id, { signal: ctx.signal });
  if (tail === undefined) {
    await noteGap(kept.outputOffset, ctx);
    yield* kept;
  } else {
    yield* await lastLines(kept, tail);
  }
  if (!follow || kept.exit !== undefined) return;
  const { onConnection } = new ConnectionWatch(ctx);
  const coming = { outputOffset: kept.nextOffset, signal: ctx.signal, resumable: true, onConnection };
  const command = await client.executions.attach(id, coming);
  try {
    yield* command.output;
  } finally {
    command.close();
  }
}
