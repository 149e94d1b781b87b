import type { Bench } from "../bench.js";
import type { Comparison } from "../measure.js";

const gigabyte = 1_000_000_000;

/** A command's output. */
export function streamRows(bench: Bench): Comparison[] {
  const head = ["head", "-c", `${gigabyte}`, "/dev/zero"];
  return [
    {
      name: "1 GB of stdout",
      budget: 0.35,
      ours: { label: "exec head", run: () => bench.timeTenki("sandbox", "exec", "-q", "--", ...head) },
      theirs: { label: "docker exec … head", run: () => bench.timeDocker("exec", ...head) },
      runs: bench.runs(3),
    },
  ];
}
