import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { waitUntil } from "../../../src/lib/wait-until.js";
import type { Workbench } from "./tenki.js";

/** A `tenki sandbox …` that goes on until it is interrupted. */
export class Lasting {
  readonly child: ChildProcess;
  /** The first thing that it printed. */
  line = "";
  #said = "";

  private constructor(child: ChildProcess) {
    this.child = child;
    child.stderr?.on("data", (piece: Buffer) => (this.#said += piece.toString()));
  }

  static async begin(bench: Pick<Workbench, "spawn">, ...args: readonly string[]): Promise<Lasting> {
    const begun = new Lasting(bench.spawn(["sandbox", ...args]));
    const { stdout } = begun.child;
    const [first] = (await Promise.race([
      once(stdout as Readable, "data"),
      once(begun.child, "exit").then(() => Promise.reject(new Error(begun.errors))),
    ])) as [Buffer];
    begun.line = first.toString();
    return begun;
  }

  /** What it has said on stderr. */
  get errors(): string {
    return this.#said;
  }

  async says(pattern: RegExp): Promise<void> {
    const said = await waitUntil(() => (pattern.test(this.#said) ? true : undefined), { timeoutMs: 30_000 });
    if (said === undefined) throw new Error(`it never said ${String(pattern)}: ${this.#said}`);
  }

  /** Ctrl-C; its exit code. */
  async interrupt(): Promise<number | null> {
    this.child.kill("SIGINT");
    const [code] = (await once(this.child, "exit")) as [number | null];
    return code;
  }
}
