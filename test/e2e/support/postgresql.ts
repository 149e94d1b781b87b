import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProcess } from "../../../src/lib/process.js";
import { freePort } from "./tcp.js";

const versions = "/usr/lib/postgresql";

/** Where the newest version's programs are; in a sandbox, too. */
export const programs = join(
  versions,
  readdirSync(versions).toSorted((a, b) => Number(b) - Number(a))[0] ?? "none",
  "bin",
);

const cluster = ["--username=postgres", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8"];

/** Makes a database in a directory. */
export const initdb = (directory: string): string[] => [
  join(programs, "initdb"),
  `--pgdata=${directory}`,
  ...cluster,
];

/** Serves it at a port of loopback, and at a socket in a directory. */
export const postgres = (directory: string, port: number, sockets: string): string[] => [
  join(programs, "postgres"),
  ...["-D", directory, "-p", String(port), "-k", sockets, "-c", "listen_addresses=127.0.0.1", "-F"],
];

export const psql = (host: string, port: number, query: string): string[] => [
  join(programs, "psql"),
  ...["-X", "-q", "-A", "-t", "-h", host, "-p", String(port), "-U", "postgres", "-c", query],
];

const nobody = 65_534;

/** A server on this machine's loopback. It refuses to be root's. */
export class HostPostgresql {
  readonly port: number;
  readonly #directory: string;
  #server: ChildProcess;

  private constructor(directory: string, port: number) {
    this.port = port;
    this.#directory = directory;
    this.#server = this.#spawn();
  }

  static async start(): Promise<HostPostgresql> {
    const directory = mkdtempSync(join(tmpdir(), "tenki-postgresql-"));
    chownSync(directory, nobody, nobody);
    await runProcess(asNobody(initdb(join(directory, "data"))), { timeoutMs: 60_000 });
    return new HostPostgresql(directory, await freePort());
  }

  startAgain(): void {
    this.#server = this.#spawn();
  }

  /** At once, and with it all who are connected. */
  async stop(): Promise<void> {
    if (this.#server.exitCode !== null) return;
    const ended = once(this.#server, "exit");
    this.#server.kill("SIGQUIT");
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#directory, { recursive: true });
  }

  #spawn(): ChildProcess {
    const [program = "", ...args] = asNobody(
      postgres(join(this.#directory, "data"), this.port, this.#directory),
    );
    return spawn(program, args, { stdio: "ignore", cwd: "/" });
  }
}

const asNobody = (argv: readonly string[]): string[] => [
  ...["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"],
  ...argv,
];
