import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { startDeadline } from "../../lib/deadline.js";
import type { ExecutionService } from "../../gen/tenki/engine/v1/execution_pb.js";
import type { Commands } from "../core/commands/commands.js";
import type { Executions } from "../core/executions/executions.js";
import { attachExecution } from "./attach-execution.js";
import { fromStartRequest, toWireExecution } from "./convert/execution.js";
import { untilStopping } from "./cut-off.js";
import { holdMs } from "./hold.js";

export interface ExecutionMethodsOptions {
  readonly executions: Executions;
  readonly commands: Commands;
  /** Aborts ahead of everything else when the engine stops. */
  readonly stopping: AbortSignal;
}

/** The methods about commands that are kept with their output. */
export function executionMethods(options: ExecutionMethodsOptions) {
  const { executions } = options;
  return {
    async startExecution(request) {
      const execution = await executions.start(request.sessionId, fromStartRequest(request));
      return { execution: toWireExecution(execution) };
    },
    getExecution({ executionId }) {
      return { execution: toWireExecution(executions.get(executionId.toLowerCase())) };
    },
    listExecutions({ sessionId, runningOnly, pageSize, pageToken }) {
      const wanted = { sessionId: sessionId || undefined, runningOnly, pageSize, pageToken };
      const { executions: found, nextPageToken } = executions.list(wanted);
      return { executions: found.map(toWireExecution), nextPageToken };
    },
    async waitExecution({ executionId }, context) {
      const execution = await hold(context, options.stopping, (signal) =>
        executions.wait(executionId.toLowerCase(), signal),
      );
      return { execution: toWireExecution(execution) };
    },
    signalExecution({ executionId, signal }) {
      executions.signal(executionId.toLowerCase(), signal);
      return {};
    },
    attachExecution: (requests, context) => attachExecution(options, requests, context),
  } satisfies ServiceImpl<typeof ExecutionService>;
}

/** Ahead of the caller's deadline the signal aborts, and there is an answer; when the engine stops, there is none. */
async function hold<T>(
  context: HandlerContext,
  stopping: AbortSignal,
  wait: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const call = untilStopping(context.signal, stopping);
  const deadline = startDeadline(holdMs(context), call.signal);
  try {
    const answer = await wait(deadline.signal);
    stopping.throwIfAborted();
    return answer;
  } finally {
    deadline.clear();
    call.clear();
  }
}
