import type { CommandExit } from "../../domain/command.js";
import type { RunExit, RunResponse, RunSignal_Sig } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { AttachExecutionResponse } from "../../gen/tenki/engine/v1/execution_pb.js";
import type { CommandEvent } from "../command-link.js";
import { SandboxError } from "../errors.js";

type WirePayload = RunResponse["payload"] | AttachExecutionResponse["payload"];

/** As `Run` says it, and as an execution does. */
export function exitFromWire(wire: Omit<RunExit, "$typeName">): CommandExit {
  return {
    exitCode: wire.exitCode,
    signal: wire.signal === "" ? undefined : wire.signal.replace(/^SIG/, ""),
    timedOut: wire.timedOut,
    durationMs: Number(wire.durationMs),
    reason: wire.reason,
    errno: wire.errno === 0 ? undefined : wire.errno,
  };
}

/** What both ways to a command tell of it alike; undefined for anything else. */
export function eventFromWire(payload: WirePayload): CommandEvent | undefined {
  switch (payload.case) {
    case "stdout":
    case "stderr":
      return { kind: payload.case, data: payload.value };
    case "flow":
      return { kind: "flow", bytes: payload.value.stdinGrantBytes };
    case "exit":
      return { kind: "exit", exit: exitFromWire(payload.value) };
    default:
      return undefined;
  }
}

/** By its name without SIG: the contract can carry six of them. */
export function signalToWire(name: string): RunSignal_Sig {
  const signal = wireSignals[name];
  if (signal !== undefined) return signal;
  throw new SandboxError(
    "invalid_argument",
    `${name} is no signal that can be sent: ${Object.keys(wireSignals).join(", ")} are`,
  );
}

const wireSignals: Readonly<Record<string, RunSignal_Sig>> = {
  TERM: 1,
  KILL: 2,
  INT: 3,
  HUP: 4,
  USR1: 5,
  USR2: 6,
};
