import type { UsageLimit } from "../../domain/usage.js";
import type { SandboxUsageUnit, WorkspaceSandboxUsageLimit } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";

export function usageLimitFromWire(wire: WorkspaceSandboxUsageLimit): UsageLimit {
  return {
    key: wire.key,
    label: wire.label,
    unit: units[wire.unit],
    current: Number(wire.current),
    max: wire.max === undefined ? undefined : Number(wire.max),
    helpText: wire.helpText,
  };
}

const units: Readonly<Record<SandboxUsageUnit, UsageLimit["unit"]>> = {
  0: "unspecified",
  1: "count",
  2: "bytes",
};
