import { executionStates, type ExecutionInfo } from "../../domain/execution.js";
import type { Execution as WireExecution } from "../../gen/tenki/engine/v1/execution_pb.js";
import type { CommandExecution } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { SandboxError } from "../errors.js";
import { exitFromWire } from "./command.js";
import { dateFromWire } from "./time.js";

export function executionFromWire(wire: WireExecution | undefined): ExecutionInfo {
  if (wire === undefined) throw missing();
  return {
    id: wire.id,
    sessionId: wire.sessionId,
    argv: wire.argv,
    cwd: wire.cwd,
    privileged: wire.privileged,
    terminal: wire.terminal,
    takesInput: wire.takesInput,
    state: executionStates[wire.state - 1] ?? "LOST",
    exit: wire.exit === undefined ? undefined : exitFromWire(wire.exit),
    startedAt: dateFromWire(wire.startedAt) ?? new Date(0),
    endedAt: dateFromWire(wire.endedAt),
    outputBytes: Number(wire.outputBytes),
    keptFrom: Number(wire.keptFrom),
    problem: wire.problem === "" ? undefined : wire.problem,
  };
}

/** As the contract's own call says it, which knows less of a command. */
export function startedFromWire(wire: CommandExecution | undefined): ExecutionInfo {
  if (wire === undefined) throw missing();
  return {
    id: wire.id,
    sessionId: wire.sessionId,
    argv: [wire.command, ...wire.args],
    ...{ cwd: "", privileged: false, terminal: false, takesInput: false, exit: undefined },
    state: "RUNNING",
    startedAt: dateFromWire(wire.startedAt) ?? new Date(),
    endedAt: undefined,
    ...{ outputBytes: 0, keptFrom: 0 },
  };
}

const missing = () => new SandboxError("internal", "the service answered without an execution");
