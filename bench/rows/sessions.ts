import type { Bench } from "../bench.js";
import { timeCreate, timeLibraryCycle } from "../in-process.js";
import type { Amount, Comparison } from "../measure.js";
import { prepareRuncPeer } from "../runc.js";

/** Sandboxes from their beginning to their end. */
export function sessionRows(bench: Bench): (Comparison | Amount)[] {
  const dockerRun = { label: "docker run --rm … true", run: () => bench.timeDocker("run", "true") };
  const runc = bench.share(async () => prepareRuncPeer(await bench.tenki(), await bench.client()));
  return [
    {
      name: "create to RUNNING, warm",
      budget: 1.5,
      ours: { label: "library", run: async () => timeCreate(await bench.client()) },
      theirs: { label: "runc create and start of the same root", run: async () => (await runc())?.time() },
      runs: bench.runs(21),
    },
    {
      name: "create, first command, terminate (one process, the library)",
      budget: 0.6,
      ours: { label: "library", run: async () => timeLibraryCycle(await bench.client()) },
      theirs: dockerRun,
      runs: bench.runs(11),
    },
    {
      name: "create, first command, terminate (three commands)",
      ours: { label: "create; exec; terminate", run: () => timeCommands(bench) },
      theirs: dockerRun,
      runs: bench.runs(11),
    },
  ];
}

async function timeCommands(bench: Bench): Promise<number> {
  const create = await bench.timeTenki("sandbox", "create", "--name", "cycle");
  const exec = await bench.timeTenki("sandbox", "exec", "--session", "cycle", "-q", "--", "true");
  const terminate = await bench.timeTenki("sandbox", "terminate", "--yes", "cycle");
  await bench.timeTenki("sandbox", "set", "bench");
  return create + exec + terminate;
}
