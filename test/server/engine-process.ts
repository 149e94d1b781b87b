import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { EngineState } from "../../src/domain/engine-state.js";
import type { EngineOptions } from "../../src/engine/main.js";
import { type Clients, connect } from "./test-server.js";

export type Flags = Partial<EngineOptions> & { readonly dataDir: string };

const readyDescriptor = 3;
const entry = fileURLToPath(new URL("./engine-entry.js", import.meta.url));

/** An engine in a process of its own, with sandboxes that need nothing of the machine. */
export class EngineProcess {
  readonly #child: ChildProcess;
  readonly #dataDir: string;
  /** The line on the ready descriptor. */
  readonly line: string;
  #stderr = "";

  static async start(flags: Flags): Promise<EngineProcess> {
    const options: EngineOptions = {
      version: "1.2.3",
      guestBinary: "/none",
      listen: "127.0.0.1:0",
      isolation: "process",
      readyDescriptor,
      ...flags,
    };
    const child = spawn(process.execPath, [entry, JSON.stringify(options)], {
      stdio: ["ignore", "ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"] },
    });
    const stderr = child.stderr as Readable;
    let said = "";
    stderr.on("data", (chunk: Buffer) => (said += String(chunk)));
    const chunks: Buffer[] = [];
    for await (const chunk of child.stdio[readyDescriptor] as Readable) chunks.push(chunk as Buffer);
    const engine = new EngineProcess(child, flags.dataDir, Buffer.concat(chunks).toString());
    stderr.on("data", () => (engine.#stderr = said));
    engine.#stderr = said;
    return engine;
  }

  private constructor(child: ChildProcess, dataDir: string, line: string) {
    this.#child = child;
    this.#dataDir = dataDir;
    this.line = line;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get state(): EngineState {
    return JSON.parse(readFileSync(join(this.#dataDir, "engine.json"), "utf8")) as EngineState;
  }

  get token(): string {
    return readFileSync(join(this.#dataDir, "token"), "utf8").trim();
  }

  connect(headers: Record<string, string> = { authorization: `Bearer ${this.token}` }): Clients {
    return connect(this.state.endpoint, { headers });
  }

  /** Resolves with the exit code. */
  async end(signal?: NodeJS.Signals): Promise<number | null> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return exitCode;
    const ended = once(this.#child, "exit") as Promise<[number | null]>;
    if (signal !== undefined) this.#child.kill(signal);
    return (await ended)[0];
  }
}
