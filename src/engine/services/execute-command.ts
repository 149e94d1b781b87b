import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { TenkiError } from "../../domain/error.js";
import { type ExecutionInfo, hasEnded } from "../../domain/execution.js";
import type { SandboxService, StreamCommandOutputRequest } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { Executions } from "../core/executions/executions.js";
import { gatherOutput } from "../core/executions/gather-output.js";
import { fromExecuteRequest, toCommandExecution, toWireMs } from "./convert/execution.js";
import { untilStopping } from "./cut-off.js";

export interface ExecuteCommandOptions {
  readonly executions: Executions;
  /** Aborts ahead of everything else when the engine stops. */
  readonly stopping: AbortSignal;
}

/** The contract's own commands that are kept with their output. */
export function executeCommandMethods({ executions, stopping }: ExecuteCommandOptions) {
  return {
    async executeCommand(request, context) {
      const started = await executions.start(request.sessionId, fromExecuteRequest(request));
      const { id } = started;
      const execution = request.streamOutput ? started : await untilEnded(executions, id, context, stopping);
      return { execution: toCommandExecution(execution) };
    },
    async *streamCommandOutput(request, context) {
      const call = untilStopping(context.signal, stopping);
      const view = await executions.attach(find(executions, request).id, { outputOffset: 0, follow: true });
      const leave = () => view.close();
      call.signal.addEventListener("abort", leave, { once: true });
      const { executionId } = request;
      try {
        for await (const event of gatherOutput(view.events)) {
          if (event.kind === "exit") {
            const { exitCode, durationMs, timedOut } = event.exit;
            yield { executionId, isFinal: true, exitCode, durationMs: toWireMs(durationMs), timedOut };
          } else if (event.kind !== "stdin_taken") {
            yield {
              executionId,
              data: event.data,
              isStderr: event.kind === "stderr",
            };
          }
        }
        call.signal.throwIfAborted();
      } finally {
        call.clear();
        leave();
      }
    },
  } satisfies Partial<ServiceImpl<typeof SandboxService>>;
}

/** A caller that goes away ends its command; the engine's stopping does not. */
async function untilEnded(
  executions: Executions,
  id: string,
  context: HandlerContext,
  stopping: AbortSignal,
): Promise<ExecutionInfo> {
  const call = untilStopping(context.signal, stopping);
  try {
    const execution = await executions.wait(id, call.signal);
    if (hasEnded(execution.state)) return execution;
    if (!stopping.aborted) executions.hangUp(id);
    throw call.signal.reason;
  } finally {
    call.clear();
  }
}

function find(executions: Executions, { sessionId, executionId }: StreamCommandOutputRequest): ExecutionInfo {
  const execution = executions.get(executionId.toLowerCase());
  if (execution.sessionId === sessionId.toLowerCase()) return execution;
  throw new TenkiError("not_found", `execution not found: ${executionId}`);
}
