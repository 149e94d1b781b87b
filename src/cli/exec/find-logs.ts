import { TenkiError } from "../../domain/error.js";
import type { CommandOutput } from "../../domain/command.js";
import type { Session } from "../../client/index.js";
import type { Context } from "../context.js";
import { findExecution } from "../find-execution.js";
import { uuid } from "../flags/parsers/words.js";
import type { Fields } from "../output/view.js";
import { executionFields } from "../output/views/execution.js";
import { readLogs, type LogOptions } from "./read-logs.js";

export interface Logs {
  /** What is known of the execution. */
  readonly fields: Fields;
  readonly output: AsyncIterable<CommandOutput>;
}

export interface LogsAsked extends LogOptions {
  readonly execution: string;
  readonly session: string | undefined;
}

/** An execution's output from the service's executions, or by the contract's own call where it has none. */
export async function findLogs(asked: LogsAsked, ctx: Context): Promise<Logs> {
  const client = await ctx.client();
  try {
    const info = await findExecution(client, asked.execution);
    return { fields: executionFields(info), output: readLogs(client, info, asked, ctx) };
  } catch (error) {
    const id = uuid.read(asked.execution);
    const isElsewhere = error instanceof TenkiError && error.kind === "unimplemented";
    if (!isElsewhere || id === undefined || asked.tail !== undefined) throw error;
    const session = await ctx.session(asked.session);
    return { fields: { id, session_id: session.id }, output: outputByContract(session, id, ctx.signal) };
  }
}

/** From its beginning to its end, which the call waits for. */
async function* outputByContract(
  session: Session,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<CommandOutput, void, undefined> {
  for await (const { data, isStderr } of session.executions.output(id, signal)) {
    if (data.length > 0) yield { kind: isStderr ? "stderr" : "stdout", data };
  }
}
