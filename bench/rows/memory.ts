import { readFile } from "node:fs/promises";
import { Client } from "../../src/client/index.js";
import type { Bench } from "../bench.js";
import type { Amount } from "../measure.js";
import { startTenki } from "../tenki.js";

const some = 50;
const many = 200;
const atOnce = 8;

/** What idle sandboxes take, on an engine that has done nothing else. */
export function memoryRows(bench: Bench): Amount[] {
  const idle = bench.share(startIdleEngine, (engine) => engine.close());
  return [
    {
      // What the kernel charges to the sandbox's cgroup, without file cache, and a fiftieth of the whole engine.
      name: `one of ${some} idle sandboxes, with its share of the engine`,
      unit: "MB",
      budget: 6,
      async measure() {
        const engine = await idle();
        await engine.fill(some);
        const stats = await engine.client.getStats();
        const bytes = stats.reduce((sum, { memoryBytes = Number.NaN }) => sum + memoryBytes, 0);
        return (bytes / 1e6 + (await engine.memoryMb())) / stats.length;
      },
      runs: 1,
    },
    {
      name: `the engine with ${many} idle sandboxes`,
      unit: "MB",
      budget: 200,
      async measure() {
        const engine = await idle();
        await engine.fill(many);
        return engine.memoryMb();
      },
      runs: 1,
    },
  ];
}

async function startIdleEngine() {
  const peer = await startTenki();
  const client = new Client({ baseUrl: peer.endpoint, authToken: peer.token });
  let made = 0;
  return {
    client,
    /** Makes sandboxes until there are so many. */
    async fill(count: number) {
      const make = async () => {
        while (made < count) {
          made += 1;
          await client.create();
        }
      };
      await Promise.all(Array.from({ length: atOnce }, make));
    },
    /** Resident, what it shares with others included. */
    async memoryMb() {
      const status = await readFile(`/proc/${peer.enginePid}/status`, "utf8");
      return (Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1_024) / 1e6;
    },
    async close() {
      client.close();
      await peer.close();
    },
  };
}
