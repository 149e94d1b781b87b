import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, type IssueSSHCertOptions, type Session } from "../../../src/client/index.js";
import { runProcess } from "../../../src/lib/process.js";
import type { EngineStarted, Outcome, Workbench } from "./tenki.js";

const proxy = join(dirname(fileURLToPath(import.meta.url)), "ssh-proxy-entry.js");

export interface SshOptions {
  readonly user?: string | undefined;
  readonly input?: string | undefined;
  /** Before the host: `-tt`, `-L`, … */
  readonly flags?: readonly string[] | undefined;
}

/** OpenSSH's client, one key, and its certificates for the sessions of an engine. */
export class SshClient {
  readonly directory: string;
  readonly client: Client;
  readonly env: Record<string, string>;
  readonly #dataDir: string;

  constructor(bench: Workbench, { endpoint, token }: EngineStarted) {
    this.#dataDir = bench.dataDir;
    this.directory = mkdtempSync(join(bench.home, "ssh-"));
    this.client = new Client({ baseUrl: endpoint, authToken: token });
    const own = { TENKI_API_URL: endpoint, TENKI_API_KEY: token };
    this.env = { PATH: bench.env["PATH"] ?? "", HOME: bench.home, ...own };
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** The path of a new key; the public one is beside it. */
  async makeKey(name: string, ...kind: readonly string[]): Promise<string> {
    const path = this.path(name);
    await runProcess(["ssh-keygen", "-q", "-N", "", "-C", name, "-f", path, ...kind]);
    return path;
  }

  publicKey(name: string): string {
    return readFileSync(`${this.path(name)}.pub`, "utf8").trim();
  }

  async session(name: string): Promise<Session> {
    const found = (await this.client.list()).find((session) => session.name === name);
    if (found === undefined) throw new Error(`there is no session ${name}`);
    return found;
  }

  /** Has a key signed for a session, and notes who its server is. */
  async certify(session: Session, key = "key", how: IssueSSHCertOptions = {}): Promise<void> {
    const { sshCert } = await session.issueSshCert(this.publicKey(key), how);
    writeFileSync(this.path(`${key}-cert.pub`), `${sshCert}\n`);
    await this.pin(session);
  }

  /** A certificate of the engine's own authority that is not as the engine makes them; `how` goes to ssh-keygen. */
  async sign(key: string, ...how: readonly string[]): Promise<void> {
    const directory = join(this.#dataDir, "ssh");
    const authority = readdirSync(directory).find((name) => name.startsWith("authority-")) ?? "";
    await runProcess(["ssh-keygen", "-q", "-s", join(directory, authority), ...how, `${this.path(key)}.pub`]);
  }

  async pin(session: Session): Promise<void> {
    const keys = await session.getSshHostKeys();
    writeFileSync(this.path("known_hosts"), keys.map((key) => `${session.id} ${key}\n`).join(""));
  }

  /** What comes before the host on the line of ssh, scp, sftp. */
  arguments(session: Session, key = "key"): string[] {
    const options = {
      IdentityFile: this.path(key),
      IdentitiesOnly: "yes",
      IdentityAgent: "none",
      BatchMode: "yes",
      HostKeyAlias: session.id,
      StrictHostKeyChecking: "yes",
      UserKnownHostsFile: this.path("known_hosts"),
      GlobalKnownHostsFile: "/dev/null",
      LogLevel: "INFO",
      ProxyCommand: `${process.execPath} ${proxy} ${session.id}`,
    };
    return ["-F", "none", ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`])];
  }

  start(session: Session, command: string, { user = "tenki", flags = [] }: SshOptions = {}, key = "key") {
    const argv = [...this.arguments(session, key), ...flags, `${user}@session`, command];
    const child = spawn("ssh", argv, { env: this.env, stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.on("error", () => undefined);
    return child;
  }

  /** Runs a command over SSH to its end. */
  run(session: Session, command: string, options: SshOptions = {}, key = "key"): Promise<Outcome> {
    const child = this.start(session, command, options, key);
    child.stdin.end(options.input ?? "");
    return outcome(child);
  }

  /** Runs `scp`, `sftp`, `rsync` or `git`, which runs ssh. */
  async tool(argv: readonly string[], env: Record<string, string> = {}): Promise<string> {
    return runProcess(argv, { env: { ...this.env, ...env }, cwd: this.directory, timeoutMs: 60_000 });
  }
}

function outcome(child: ReturnType<SshClient["start"]>): Promise<Outcome> {
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (data: Buffer) => (said.stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (said.stderr += data.toString()));
  const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
  return new Promise((resolve) =>
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 137, ...said });
    }),
  );
}
