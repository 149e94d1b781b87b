import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CommandExit } from "../../../domain/command.js";
import { TenkiError } from "../../../domain/error.js";
import type { ExecutionInfo, ExecutionState } from "../../../domain/execution.js";
import {
  type AttachExecutionRequest,
  type AttachExecutionResponse,
  type AttachExecutionResponseSchema,
  type ExecutionExitSchema,
  type ExecutionSchema,
  ExecutionState as WireState,
  type StartExecutionRequest,
} from "../../../gen/tenki/engine/v1/execution_pb.js";
import {
  type CommandExecutionSchema,
  CommandStatus,
  type ExecuteCommandRequest,
} from "../../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { StartExecution } from "../../core/executions/executions.js";
import type { GuestEvent } from "../../core/ports/runtime.js";
import type { InputFrame } from "../run-input.js";
import { defined } from "./defined.js";
import { positiveMs, toTimestamp } from "./time.js";

export const fromStartRequest = (request: StartExecutionRequest): StartExecution => ({
  argv: request.argv,
  cwd: request.cwd,
  env: request.env,
  privileged: request.privileged,
  terminal: request.terminal !== undefined,
  terminalSize: request.terminal,
  takesInput: request.takesInput,
  timeoutMs: positiveMs(request.timeout, "timeout") ?? 0,
});

export const fromExecuteRequest = (request: ExecuteCommandRequest): StartExecution => ({
  argv: [request.command, ...request.args],
  cwd: "",
  env: request.env,
  privileged: false,
  terminal: false,
  takesInput: false,
  timeoutMs: positiveMs(request.timeout, "timeout") ?? 0,
});

export function toWireExecution(execution: ExecutionInfo): MessageInitShape<typeof ExecutionSchema> {
  const { exit } = execution;
  return {
    id: execution.id,
    sessionId: execution.sessionId,
    argv: [...execution.argv],
    cwd: execution.cwd,
    privileged: execution.privileged,
    terminal: execution.terminal,
    takesInput: execution.takesInput,
    state: WireState[execution.state],
    outputBytes: BigInt(execution.outputBytes),
    keptFrom: BigInt(execution.keptFrom),
    problem: execution.problem ?? "",
    ...defined({
      exit: exit && toWireExit(exit),
      startedAt: toTimestamp(execution.startedAt),
      endedAt: toTimestamp(execution.endedAt),
    }),
  };
}

const toWireExit = (exit: CommandExit): MessageInitShape<typeof ExecutionExitSchema> => ({
  exitCode: exit.exitCode,
  signal: exit.signal ?? "",
  timedOut: exit.timedOut,
  durationMs: toWireMs(exit.durationMs),
  reason: exit.reason,
  errno: exit.errno ?? 0,
});

export const toWireMs = (ms: number): bigint => BigInt(Math.round(ms));

/** The contract knows no other way to have failed. */
const commandStatuses: Readonly<Record<ExecutionState, CommandStatus>> = {
  RUNNING: CommandStatus.RUNNING,
  SUCCEEDED: CommandStatus.SUCCEEDED,
  FAILED: CommandStatus.FAILED,
  TIMED_OUT: CommandStatus.TIMED_OUT,
  LOST: CommandStatus.FAILED,
};

export function toCommandExecution(
  execution: ExecutionInfo,
): MessageInitShape<typeof CommandExecutionSchema> {
  const [command = "", ...args] = execution.argv;
  const { exit } = execution;
  return {
    id: execution.id,
    sessionId: execution.sessionId,
    command,
    args,
    status: commandStatuses[execution.state],
    exitCode: exit?.exitCode ?? (execution.state === "LOST" ? -1 : 0),
    durationMs: toWireMs(exit?.durationMs ?? 0),
    ...defined({ startedAt: toTimestamp(execution.startedAt), endedAt: toTimestamp(execution.endedAt) }),
  };
}

type AttachFrame = MessageInitShape<typeof AttachExecutionResponseSchema>;

export function toAttachFrame(event: GuestEvent): AttachFrame {
  switch (event.kind) {
    case "stdin_taken":
      return { payload: { case: "flow", value: { stdinGrantBytes: event.bytes } } };
    case "exit":
      return { payload: { case: "exit", value: toWireExit(event.exit) } };
    default:
      return toOutputFrame(event.kind, event.data);
  }
}

/** A finished message, so that the library does not make one of it field by field: output is the hot path. */
function toOutputFrame(kind: "stdout" | "stderr", data: Uint8Array): AttachExecutionResponse {
  const value = data as Uint8Array<ArrayBuffer>;
  return { $typeName: "tenki.engine.v1.AttachExecutionResponse", payload: { case: kind, value } };
}

export function toInputFrame({ payload }: AttachExecutionRequest): InputFrame {
  switch (payload.case) {
    case "stdin":
      return { kind: "stdin", data: payload.value };
    case "stdinClose":
      return { kind: "close" };
    case "signal":
      return { kind: "signal", name: payload.value };
    case "resize":
      return { kind: "resize", size: payload.value };
    default:
      throw new TenkiError("invalid_argument", "after `open`, a frame is input, a signal or a size");
  }
}
