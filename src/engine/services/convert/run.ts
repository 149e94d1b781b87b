import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CommandExit, SignalName } from "../../../domain/command.js";
import { TenkiError } from "../../../domain/error.js";
import {
  type RunResponse,
  type RunResponseSchema,
  RunSignal_Sig,
  type RunStart,
  type SandboxSessionDataPlaneServiceRunResponse,
} from "../../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { RunCommand } from "../../core/commands/commands.js";
import type { GuestEvent } from "../../core/ports/runtime.js";

export const fromRunStart = (start: RunStart): RunCommand => ({
  argv: start.cmd,
  cwd: start.cwd,
  env: start.env,
  terminal: start.pty,
  privileged: start.privileged,
  timeoutMs: start.timeoutMs,
});

export function fromWireSignal(signal: RunSignal_Sig): SignalName {
  const name = RunSignal_Sig[signal] as SignalName | "UNSPECIFIED" | undefined;
  if (name === undefined || name === "UNSPECIFIED") {
    throw new TenkiError("invalid_argument", "signal: must be one of the contract's");
  }
  return name;
}

type RunPayload = NonNullable<MessageInitShape<typeof RunResponseSchema>["payload"]>;

export const toRunFrame = (payload: RunPayload) => ({ frame: { payload } });

export function toEventFrame(event: GuestEvent) {
  switch (event.kind) {
    case "stdin_taken":
      return toRunFrame({ case: "flow", value: { stdinGrantBytes: event.bytes } });
    case "exit":
      return toExitFrame(event.exit);
    default:
      return toOutputFrame(event.kind, event.data);
  }
}

export const toExitFrame = ({ exitCode, signal, timedOut, durationMs, reason, errno }: CommandExit) =>
  toRunFrame({
    case: "exit",
    value: {
      exitCode,
      signal: signal ?? "",
      timedOut,
      durationMs: BigInt(Math.round(durationMs)),
      reason,
      errno: errno ?? 0,
    },
  });

/** A finished message, so that the library does not make one of it field by field: output is the hot path. */
function toOutputFrame(
  kind: "stdout" | "stderr",
  data: Uint8Array,
): SandboxSessionDataPlaneServiceRunResponse {
  const value = data as Uint8Array<ArrayBuffer>;
  const frame: RunResponse = { $typeName: "tenki.sandbox.v1.RunResponse", payload: { case: kind, value } };
  return { $typeName: "tenki.sandbox.v1.SandboxSessionDataPlaneServiceRunResponse", frame };
}
