import type { Bench } from "../bench.js";
import type { Comparison } from "../measure.js";
import { startWebPeer, timeDownload, timeRequests, timeUpload } from "../ports.js";

/** An exposed port against the same service reached directly. */
export function portRows(bench: Bench): Comparison[] {
  const web = bench.share(
    async () => startWebPeer(await bench.tenki()),
    (peer) => peer.close(),
  );
  const both = (time: (url: string) => Promise<number>) => ({
    ours: { label: "exposed port", run: async () => time((await web()).exposed) },
    theirs: { label: "the same service directly", run: async () => time((await web()).direct) },
    runs: bench.runs(5),
  });
  return [
    ...[16, 64].map((connections) => ({
      name: `1,000 requests through an exposed port, wrk with ${connections} connections`,
      budget: 2,
      ...both((url) => timeRequests(url, connections)),
    })),
    { name: "1 GB down through an exposed port", budget: 3, ...both(timeDownload) },
    { name: "1 GB up through an exposed port", budget: 3, ...both(timeUpload) },
  ];
}
