import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runProcess } from "../src/lib/process.js";

/** The built command line with an engine, a data directory and a HOME of its own. */
export interface TenkiPeer {
  readonly env: NodeJS.ProcessEnv;
  readonly endpoint: string;
  readonly token: string;
  readonly dataDir: string;
  readonly enginePid: number;
  command(...args: readonly string[]): readonly string[];
  close(): Promise<void>;
}

export async function startTenki(): Promise<TenkiPeer> {
  const home = await mkdtemp(join(tmpdir(), "tenki-bench-"));
  const dataDir = join(home, "data");
  const env = { PATH: process.env["PATH"], HOME: home, TENKI_ENGINE_DATA_DIR: dataDir };
  const command = (...args: readonly string[]) => [process.execPath, resolve("bin/tenki"), ...args];
  const started = await runProcess(command("engine", "start", "--listen", "127.0.0.1:0", "--json"), { env });
  const { endpoint, token, pid } = JSON.parse(started) as { endpoint: string; token: string; pid: number };
  return {
    env,
    endpoint,
    token,
    dataDir,
    enginePid: pid,
    command,
    async close() {
      await runProcess(command("engine", "stop", "--terminate-sessions"), { env, timeoutMs: 120_000 });
      await rm(home, { recursive: true });
    },
  };
}
