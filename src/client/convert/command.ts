import type { CommandExit, SignalName } from "../../domain/command.js";
import type { RunExit, RunSignal_Sig } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";

export function exitFromWire(wire: RunExit): CommandExit {
  return {
    exitCode: wire.exitCode,
    signal: wire.signal === "" ? undefined : wire.signal.replace(/^SIG/, ""),
    timedOut: wire.timedOut,
    durationMs: Number(wire.durationMs),
    reason: wire.reason,
    errno: wire.errno === 0 ? undefined : wire.errno,
  };
}

export const signalToWire = (signal: SignalName): RunSignal_Sig => wireSignals[signal];

const wireSignals: Readonly<Record<SignalName, RunSignal_Sig>> = {
  TERM: 1,
  KILL: 2,
  INT: 3,
  HUP: 4,
  USR1: 5,
  USR2: 6,
};
