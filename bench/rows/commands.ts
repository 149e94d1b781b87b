import type { Bench } from "../bench.js";
import { timeSpawn } from "../in-process.js";
import { timeProcess, type Amount, type Comparison } from "../measure.js";

/** The command line itself, and one command in a sandbox that is there. */
export function commandRows(bench: Bench): (Comparison | Amount)[] {
  const session = bench.share(
    async () => (await bench.client()).create(),
    (made) => made.close(),
  );
  return [
    {
      name: "tenki --version",
      budget: 1.3,
      ours: {
        label: "tenki --version",
        run: () => timeProcess([process.execPath, "bin/tenki", "--version"]),
      },
      theirs: { label: "node -e 0", run: () => timeProcess([process.execPath, "-e", "0"]) },
      runs: bench.runs(21),
    },
    {
      name: "exec -- true",
      budget: 1,
      ours: {
        label: "tenki sandbox exec -- true",
        run: () => bench.timeTenki("sandbox", "exec", "-q", "--", "true"),
      },
      theirs: { label: "docker exec … true", run: () => bench.timeDocker("exec", "true") },
      runs: bench.runs(21),
    },
    {
      name: "the engine, from a request to the command's exec",
      unit: "ms",
      measure: async () => timeSpawn(await session()),
      runs: bench.runs(51),
    },
  ];
}
