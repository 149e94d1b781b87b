import type { Finding } from "../core/finding.js";
import { readCgroupLayout } from "./cgroup-layout.js";
import { readMachine } from "./machine.js";
import { memoryObstacles } from "./memory-obstacles.js";
import { selectRuntime } from "./select-runtime.js";

/** Whether a snapshot could hold processes here, for this user's engine. */
export async function checkMemorySnapshots(
  options: { readonly ociRuntime?: string | undefined } = {},
): Promise<Finding[]> {
  const { version, boundsSwap } = readCgroupLayout();
  const program = await selectRuntime({ cgroups: version, requested: options.ociRuntime }).catch(
    () => undefined,
  );
  const machine = readMachine(process.arch, boundsSwap);
  // An ordinary user's engine is in a user namespace, where who asks for it is not yet.
  const rootless = machine.rootless || process.getuid?.() !== 0;
  const obstacles = await memoryObstacles({
    machine: { ...machine, rootless },
    runtimeCommand: program?.command,
  });
  const ok = obstacles.length === 0;
  return [
    {
      name: "memory snapshots",
      ok,
      required: false,
      detail: ok ? "snapshots can hold processes" : `snapshots hold no processes: ${obstacles.join("; ")}`,
      hint: ok ? undefined : "nothing to install changes this; tenki sandbox pause keeps processes",
    },
  ];
}
