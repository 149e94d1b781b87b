import { spawn } from "node:child_process";

export interface Contender {
  readonly label: string;
  /** One run; resolves with its time in milliseconds, or undefined where this machine has no such thing. */
  run(): Promise<number | undefined>;
}

/** What is measured beside something else; its budget is a ratio. */
export interface Comparison {
  readonly name: string;
  readonly budget?: number | undefined;
  readonly ours: Contender;
  readonly theirs: Contender;
  readonly runs: number;
}

/** What is measured by itself; its budget is an amount. */
export interface Amount {
  readonly name: string;
  readonly unit: "ms" | "MB";
  readonly budget?: number | undefined;
  measure(): Promise<number>;
  /** How often. The first of several is thrown away besides. */
  readonly runs: number;
}

export type Row = RatioRow | AmountRow;

interface RatioRow {
  readonly name: string;
  readonly budget: number | undefined;
  /** Undefined where there is no budget, or nothing to compare with. */
  readonly holds: boolean | undefined;
  readonly oursMs: number;
  readonly theirsMs: number | undefined;
  /** The median of the ratios pair by pair: a drift of the machine's speed falls out of it. */
  readonly ratio: number | undefined;
  readonly against: string;
  readonly runs: number;
}

interface AmountRow {
  readonly name: string;
  readonly budget: number | undefined;
  readonly holds: boolean | undefined;
  readonly amount: number;
  readonly unit: "ms" | "MB";
  readonly runs: number;
}

export const measure = (row: Comparison | Amount): Promise<Row> =>
  "ours" in row ? compare(row) : weigh(row);

/** Runs both in turn, A B A B …, after one warm-up of each, and keeps the medians. */
async function compare({ name, budget, ours, theirs, runs }: Comparison): Promise<RatioRow> {
  const oursMs: number[] = [];
  const theirsMs: number[] = [];
  for (let run = -1; run < runs; run += 1) {
    const a = await ours.run();
    const b = await theirs.run();
    if (run < 0) continue;
    if (a !== undefined) oursMs.push(a);
    if (b !== undefined) theirsMs.push(b);
  }
  const compared = theirsMs.length > 0;
  const ratio = compared ? median(oursMs.map((ms, run) => ms / (theirsMs[run] ?? Number.NaN))) : undefined;
  return {
    name,
    budget,
    holds: within(ratio, budget),
    oursMs: median(oursMs),
    theirsMs: compared ? median(theirsMs) : undefined,
    ratio,
    against: theirs.label,
    runs,
  };
}

async function weigh({ name, budget, unit, runs, ...row }: Amount): Promise<AmountRow> {
  if (runs > 1) await row.measure();
  const amounts: number[] = [];
  while (amounts.length < runs) amounts.push(await row.measure());
  const amount = median(amounts);
  return { name, budget, holds: within(amount, budget), amount, unit, runs };
}

const within = (value: number | undefined, budget: number | undefined): boolean | undefined =>
  value === undefined || budget === undefined ? undefined : value <= budget;

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
