import { posix } from "node:path";
import type { DataPlane } from "./data-plane.js";
import { GitOperationFailedError, SandboxError } from "./errors.js";
import { exec } from "./exec.js";
import { stderrText, stdoutText } from "./exec-result.js";
import type { Rpc } from "./rpc.js";

export interface GitCallOptions {
  /** How long it may take. Default: ten minutes. */
  readonly timeoutMs?: number | undefined;
}

export interface GitCloneParams extends GitCallOptions {
  readonly branch?: string | undefined;
  /** Default: the whole history. */
  readonly depth?: number | undefined;
  readonly directory?: string | undefined;
}

export interface GitCheckoutParams extends GitCallOptions {
  /** Make the branch. */
  readonly create?: boolean | undefined;
  /** Where the repository lies. Default: the one that was cloned last. A local engine's only. */
  readonly directory?: string | undefined;
}

export interface GitDiffParams extends GitCallOptions {
  readonly range?: string | undefined;
  readonly base?: string | undefined;
  readonly head?: string | undefined;
  readonly path?: string | undefined;
  /** As in `GitCheckoutParams`. */
  readonly directory?: string | undefined;
}

export interface GitLogParams extends GitCallOptions {
  readonly maxCount?: number | undefined;
  readonly range?: string | undefined;
  readonly path?: string | undefined;
  /** As in `GitCheckoutParams`. */
  readonly directory?: string | undefined;
}

export interface GitFetchPRParams extends GitCallOptions {
  /** Default: the one repository that there is in the home directory. */
  readonly directory?: string | undefined;
  /** Default `origin`. */
  readonly remote?: string | undefined;
  /** Default `pr`: request 42 becomes the branch `pr-42`. */
  readonly branchPrefix?: string | undefined;
}

const gitTimeoutMs = 600_000;

/** Git inside a session, with the session's own credentials. */
export class Git {
  readonly #rpc: Rpc;
  readonly #dataPlane: DataPlane;

  constructor(rpc: Rpc, dataPlane: DataPlane) {
    this.#rpc = rpc;
    this.#dataPlane = dataPlane;
  }

  clone(repo: string, { branch, depth, directory, timeoutMs }: GitCloneParams = {}): Promise<string> {
    return this.operation("clone", { repo, branch, depth, directory }, { timeoutMs });
  }

  checkout(ref: string, { create, directory, timeoutMs }: GitCheckoutParams = {}): Promise<string> {
    return this.operation("checkout", { ref, create, directory }, { timeoutMs });
  }

  diff({ range, base, head, path, directory, timeoutMs }: GitDiffParams = {}): Promise<string> {
    return this.operation("diff", { range, base, head, path, directory }, { timeoutMs });
  }

  log({ maxCount, range, path, directory, timeoutMs }: GitLogParams = {}): Promise<string> {
    return this.operation("log", { max_count: maxCount, range, path, directory }, { timeoutMs });
  }

  /** Fetches a pull request of GitHub's into a branch of its own, and checks that out. */
  async fetchPR(prNumber: number, params: GitFetchPRParams = {}): Promise<string> {
    if (!Number.isInteger(prNumber) || prNumber < 1) {
      throw new SandboxError("invalid_argument", `${prNumber} is no number of a pull request`);
    }
    const { remote = "origin", branchPrefix = "pr", timeoutMs = gitTimeoutMs } = params;
    const branch = `${branchPrefix}-${prNumber}`;
    if (remote.startsWith("-") || branch.startsWith("-")) {
      throw new SandboxError("invalid_argument", "no name of a remote or a branch begins with -");
    }
    const directory = params.directory ?? (await this.#onlyRepository());
    const fetched = await this.#run(
      directory,
      ["fetch", remote, `pull/${prNumber}/head:${branch}`],
      timeoutMs,
    );
    const checkedOut = await this.#run(directory, ["checkout", branch, "--"], timeoutMs);
    return [fetched, checkedOut].filter((said) => said !== "").join("\n");
  }

  async operation(
    operation: string,
    args: Readonly<Record<string, string | number | boolean | undefined>>,
    { timeoutMs = gitTimeoutMs }: GitCallOptions = {},
  ): Promise<string> {
    const given = Object.entries(args).filter(([, value]) => value !== undefined && value !== "");
    const request = {
      operation,
      args: Object.fromEntries(given.map(([key, value]) => [key, String(value)])),
    };
    const { sessionId } = this.#dataPlane;
    const answer = await this.#rpc.sandbox("gitOperation", { sessionId, ...request }, { timeoutMs });
    return answer.output;
  }

  /** The home directory, where it is one itself, or there is none. */
  async #onlyRepository(): Promise<string> {
    const args = [".", "-mindepth", "1", "-maxdepth", "2", "-name", ".git"];
    const found = await exec(this.#dataPlane, "find", { args });
    const places = stdoutText(found)
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => posix.dirname(line));
    if (places.length < 2 || places.includes(".")) return places.includes(".") ? "." : (places[0] ?? ".");
    throw new SandboxError(
      "invalid_argument",
      `there are ${places.length} repositories: name one by its directory`,
    );
  }

  async #run(directory: string, args: readonly string[], timeoutMs: number): Promise<string> {
    const result = await exec(this.#dataPlane, "git", {
      args: ["-C", directory, ...args],
      env: { GIT_TERMINAL_PROMPT: "0" },
      timeoutMs,
    });
    if (result.status === "SUCCEEDED") return stdoutText(result).trim();
    const message = `git ${args[0]} failed (exit_code=${result.exitCode}); check the repository, ref and access token: `;
    throw new GitOperationFailedError("failed_precondition", message + stderrText(result).trim());
  }
}
