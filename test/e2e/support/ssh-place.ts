import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { waitUntil } from "../../../src/lib/wait-until.js";
import { ended, type Outcome, type Workbench } from "./tenki.js";

/** Where a setting stands in the environment, be it empty, nothing that was kept is believed. */
export const byTenki = { TENKI_API_URL: "" };

/** OpenSSH as a user has it, with a config of the test's own: it would read the real one, whatever HOME says. */
export class SshPlace {
  readonly bench: Workbench;
  readonly config: string;
  readonly #env: Record<string, string>;
  readonly #children: ChildProcess[] = [];

  /** `by_tenki`: each login by the command line, as the first one goes. */
  constructor(bench: Workbench, way?: "by_tenki") {
    this.bench = bench;
    this.config = join(bench.home, ".ssh", "config");
    this.#env = { ...bench.env, ...(way === undefined ? {} : byTenki) };
  }

  /** What rsync and git are told to run. */
  get line(): string {
    return `ssh -F ${this.config}`;
  }

  ssh(...args: string[]): Promise<Outcome> {
    return this.run("ssh", ["-F", this.config, ...args]);
  }

  /** A command that has to succeed; its stdout. */
  async ok(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.ssh(...args);
    if (code === 0) return stdout;
    throw new Error(`ssh ${args.join(" ")} ended with ${code}\n${stderr}`);
  }

  async run(
    program: string,
    args: readonly string[],
    { env = {}, input }: { readonly env?: Record<string, string>; readonly input?: string } = {},
  ): Promise<Outcome> {
    const child = this.start(program, args, env);
    child.stdin?.end(input ?? "");
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name]?.on("data", (chunk: Buffer) => (said[name] += chunk.toString()));
    return { code: await ended(child), ...said };
  }

  /** What stays until the test is over. */
  start(program: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess {
    const child = spawn(program, args, {
      env: { ...this.#env, ...env },
      cwd: this.bench.home,
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin?.on("error", () => undefined);
    this.#children.push(child);
    return child;
  }

  /** A connection whose command says first that it is there: `there`, and a line feed. */
  connect(host: string, line: string) {
    const child = this.start("ssh", ["-F", this.config, host, `echo there; ${line}`]);
    const over = ended(child);
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name]?.on("data", (chunk: Buffer) => (said[name] += chunk.toString()));
    const hears = (text: string) => this.until(text, async () => said.stdout.includes(text) || undefined);
    return { child, said, hears, over };
  }

  /** Until an action comes to something. */
  async until<T>(what: string, action: () => Promise<T | undefined>): Promise<T> {
    const found = await waitUntil(() => action().catch(() => undefined), { timeoutMs: 30_000 });
    if (found === undefined) throw new Error(`never came: ${what}`);
    return found;
  }

  close(): void {
    for (const child of this.#children) child.kill("SIGKILL");
  }
}
