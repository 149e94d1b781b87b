import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { waitUntil } from "../../../src/lib/wait-until.js";

export const serverPort = "8080";
export const otherPort = "8081";

/** A git server that sandboxes can reach: in a network namespace of its own, beyond the host. Needs root. */
export class GitServer {
  /** `http://<address>:8080` */
  readonly url: string;
  readonly otherUrl: string;
  readonly root = mkdtempSync(join(tmpdir(), "tenki-git-server-"));
  readonly #namespace: string;
  readonly #process: ChildProcess;
  #said = "";

  private constructor(login: string) {
    const number = randomInt(1, 16_000);
    this.#namespace = `tenki-git-${number}`;
    const [third, fourth] = [number >> 6, (number & 63) * 4];
    const [near, far] = [`10.231.${third}.${fourth + 1}`, `10.231.${third}.${fourth + 2}`];
    this.url = `http://${far}:${serverPort}`;
    this.otherUrl = `http://${far}:${otherPort}`;
    lay(this.#namespace, `tkgit${number}`, near, far);
    const entry = join(dirname(fileURLToPath(import.meta.url)), "git-server-entry.js");
    const command = [process.execPath, entry, this.root, far, serverPort, otherPort];
    this.#process = spawn("ip", ["netns", "exec", this.#namespace, ...command], {
      env: { ...process.env, GIT_SERVER_LOGIN: login },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#process.stdout?.on("data", (chunk: Buffer) => (this.#said += chunk.toString()));
  }

  /** `login`: the name and password, `name:password`, that opens what is private. */
  static async start(login: string): Promise<GitServer> {
    const server = new GitServer(login);
    await server.until(/^ready$/m);
    return server;
  }

  /** Each request that was made: port, method, path, and the login that came with it. */
  get requests(): readonly string[] {
    return this.#said.split("\n").filter((line) => /^\d+ /.test(line));
  }

  /** Until what it says matches. */
  async until(pattern: RegExp): Promise<void> {
    const seen = await waitUntil(() => (pattern.test(this.#said) ? true : undefined), { timeoutMs: 30_000 });
    if (seen === undefined) throw new Error(`the git server never said ${String(pattern)}: ${this.#said}`);
  }

  /** Lets go on what is held. */
  release(): void {
    this.#process.stdin?.write("go\n");
  }

  /** A repository with two branches, and a pull request. */
  makeRepository(path: string): void {
    const at = join(this.root, path);
    const run = (...args: string[]) => execFileSync("git", ["-C", at, ...author, ...args], { stdio: "pipe" });
    execFileSync("git", ["init", "-q", "-b", "main", at]);
    for (const [branch, file] of [
      ["main", "README"],
      ["main", "second"],
      ["feature", "feature"],
      ["request", "request"],
    ] as const) {
      if (branch !== "main") run("checkout", "-q", "-b", branch, "main");
      execFileSync("sh", ["-c", 'echo "of $0" > "$0"', file], { cwd: at });
      run("add", "-A");
      run("commit", "-q", "-m", `add ${file}`);
    }
    run("update-ref", "refs/pull/42/head", "request");
    run("checkout", "-q", "main");
    run("branch", "-q", "-D", "request");
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGKILL");
    await gone;
    execFileSync("ip", ["netns", "del", this.#namespace]);
    rmSync(this.root, { recursive: true, force: true });
  }
}

const author = ["-c", "user.name=Alice", "-c", "user.email=alice@example.com"];

function lay(namespace: string, link: string, near: string, far: string): void {
  const ip = (...args: string[]) => execFileSync("ip", args, { stdio: "pipe" });
  const peer = `${link}p`;
  ip("netns", "add", namespace);
  ip("link", "add", link, "type", "veth", "peer", "name", peer, "netns", namespace);
  ip("address", "add", `${near}/30`, "dev", link);
  ip("link", "set", link, "up");
  ip("-n", namespace, "address", "add", `${far}/30`, "dev", peer);
  ip("-n", namespace, "link", "set", peer, "up");
  ip("-n", namespace, "link", "set", "lo", "up");
}
