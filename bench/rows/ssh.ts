import { makeBigFile } from "../big-file.js";
import type { Bench } from "../bench.js";
import type { Comparison } from "../measure.js";
import { prepareSshPeers } from "../ssh.js";

/** A login and a copy through `ssh-proxy`, each against the same sshd over a pipe. */
export function sshRows(bench: Bench): Comparison[] {
  const peers = bench.share(async () => {
    await bench.timeTenki("sandbox", "get", "bench");
    return prepareSshPeers(await bench.tenki(), "bench");
  });
  const file = bench.share(async () => makeBigFile(await bench.tenki()));
  return [
    {
      name: "ssh … true",
      budget: 1.5,
      ours: { label: "ssh sbx-bench true", run: async () => (await peers()).ours("true") },
      theirs: { label: "the same sshd over a pipe", run: async () => (await peers()).pipe("true") },
      runs: bench.runs(21),
    },
    {
      name: "1 GB by scp",
      budget: 1.3,
      ours: { label: "scp sbx-bench:", run: async () => (await peers()).copy("ours", await file()) },
      theirs: {
        label: "the same sshd over a pipe",
        run: async () => (await peers()).copy("pipe", await file()),
      },
      runs: bench.runs(3),
    },
  ];
}
