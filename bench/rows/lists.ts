import type { Bench } from "../bench.js";
import { fillRecord } from "../full-record.js";
import type { Amount } from "../measure.js";

const records = 10_000;

/** Lists of a record that has grown. */
export function listRows(bench: Bench): Amount[] {
  const full = bench.share(
    () => fillRecord(records),
    (record) => record.close(),
  );
  const list = async (limit: number) => {
    const { client } = await full();
    const start = performance.now();
    const sessions = await client.list({ includeTerminated: true, limit });
    const ms = performance.now() - start;
    if (sessions.length !== limit) throw new Error(`${sessions.length} of ${limit} sessions were listed`);
    return ms;
  };
  return [
    {
      name: "list the newest 100 of 10,000 records",
      unit: "ms",
      budget: 100,
      measure: () => list(100),
      runs: bench.runs(21),
    },
    {
      name: "list all 10,000 records, page after page",
      unit: "ms",
      measure: () => list(records),
      runs: bench.runs(11),
    },
  ];
}
