import { spawn } from "node:child_process";

export interface Contender {
  readonly label: string;
  /** One run; resolves with its time in milliseconds. */
  run(): Promise<number>;
}

export interface Row {
  readonly name: string;
  readonly budget: number | undefined;
  readonly oursMs: number;
  readonly theirsMs: number | undefined;
  /** The median of the ratios pair by pair: a drift of the machine's speed falls out of it. */
  readonly ratio: number | undefined;
  readonly against: string | undefined;
  readonly runs: number;
}

export interface Comparison {
  readonly name: string;
  readonly budget?: number | undefined;
  readonly ours: Contender;
  readonly theirs?: Contender | undefined;
  readonly runs: number;
}

/** Runs both in turn, A B A B …, after one warm-up of each, and keeps the medians. */
export async function compare(comparison: Comparison): Promise<Row> {
  const { ours, theirs, runs } = comparison;
  const oursMs: number[] = [];
  const theirsMs: number[] = [];
  for (let run = -1; run < runs; run += 1) {
    const a = await ours.run();
    const b = await theirs?.run();
    if (run < 0) continue;
    oursMs.push(a);
    if (b !== undefined) theirsMs.push(b);
  }
  const compared = theirsMs.length > 0;
  return {
    name: comparison.name,
    budget: comparison.budget,
    oursMs: median(oursMs),
    theirsMs: compared ? median(theirsMs) : undefined,
    ratio: compared ? median(oursMs.map((ms, run) => ms / (theirsMs[run] ?? Number.NaN))) : undefined,
    against: theirs?.label,
    runs,
  };
}

/** The wall time of a whole process whose output is read and thrown away. */
export function timeProcess(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const [file = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(file, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stdout.resume();
    child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-500)));
    child.on("error", reject);
    child.on("close", (code) => {
      const ms = performance.now() - start;
      if (code === 0) resolve(ms);
      else reject(new Error(`${argv.join(" ")} ended with ${code}: ${said.trim()}`));
    });
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}
