import { makeBigFile } from "../big-file.js";
import type { Bench } from "../bench.js";
import { timeProcess, type Comparison } from "../measure.js";

/** A file into a sandbox and out of it, each against `cp` of the same out of a pipe. */
export function fileRows(bench: Bench): Comparison[] {
  const file = bench.share(async () => makeBigFile(await bench.tenki()));
  const theirs = {
    label: "cat | cp /dev/stdin",
    run: async () => timeProcess(["sh", "-c", 'cat "$0" | cp /dev/stdin "$0.copy"', await file()]),
  };

  return [
    {
      name: "1 GB file in",
      budget: 3,
      ours: {
        label: "write",
        run: async () =>
          bench.timeTenki("sandbox", "write", "--path", "gigabyte", "--data-file", await file()),
      },
      theirs,
      runs: bench.runs(3),
    },
    {
      name: "1 GB file out",
      budget: 3,
      ours: {
        label: "read",
        async run() {
          await bench.timeTenki("sandbox", "exec", "-q", "--", "truncate", "-s", "1000000000", "gigabyte");
          const out = `${await file()}.out`;
          return bench.timeTenki("sandbox", "read", "--path", "gigabyte", "--out", out);
        },
      },
      theirs,
      runs: bench.runs(3),
    },
  ];
}
