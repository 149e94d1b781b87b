import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { type ExecutionService, ExecutionState } from "../../../src/gen/tenki/engine/v1/execution_pb.js";
import { now, timestamp } from "./session-table.js";

/** Of the one execution there is, which has ended. */
export const endedExecution = "0190d3c5-0000-7000-8000-0000000000ef";

const exit = { exitCode: 0, reason: "exit", durationMs: 1_500n };

const execution = {
  ...{ id: endedExecution, sessionId: "0190d3c5-0000-7000-8000-000000000001", argv: ["make", "a b"] },
  ...{ cwd: "/home/tenki", state: ExecutionState.SUCCEEDED, exit, outputBytes: 5n },
  ...{ startedAt: timestamp(now), endedAt: timestamp(now + 1n) },
};

/** Executions, as far as a command line can be tried without one that runs. */
export function executionRoutes(
  checkToken: (context: HandlerContext) => void,
): Partial<ServiceImpl<typeof ExecutionService>> {
  const find = (id: string, context: HandlerContext) => {
    checkToken(context);
    if (id === endedExecution) return { execution };
    throw new ConnectError(`execution not found: ${id}`, Code.NotFound);
  };
  return {
    getExecution: ({ executionId }, context) => find(executionId, context),
    waitExecution: ({ executionId }, context) => find(executionId, context),
    listExecutions: () => ({ executions: [execution] }),
    signalExecution({ executionId }, context) {
      find(executionId, context);
      return {};
    },
    async *attachExecution(requests, context) {
      for await (const { payload } of requests) {
        if (payload.case === "open") find(payload.value.executionId, context);
        break;
      }
      yield { payload: { case: "attached", value: {} } };
      yield { payload: { case: "stdout", value: Buffer.from("made\n") } };
      yield { payload: { case: "exit", value: exit } };
    },
  };
}
