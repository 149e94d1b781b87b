import type { DataPlane } from "./data-plane.js";
import { GitOperationFailedError, SandboxError } from "./errors.js";
import { exec } from "./exec.js";
import { stderrText, stdoutText } from "./exec-result.js";
import type { Rpc } from "./rpc.js";

export interface GitCloneParams {
  readonly branch?: string | undefined;
  /** Default: the whole history. */
  readonly depth?: number | undefined;
  readonly directory?: string | undefined;
}

export interface GitCheckoutParams {
  /** Make the branch. */
  readonly create?: boolean | undefined;
}

export interface GitDiffParams {
  readonly range?: string | undefined;
  readonly base?: string | undefined;
  readonly head?: string | undefined;
  readonly path?: string | undefined;
}

export interface GitLogParams {
  readonly maxCount?: number | undefined;
  readonly range?: string | undefined;
  readonly path?: string | undefined;
}

export interface GitFetchPRParams {
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

  clone(repo: string, { branch, depth, directory }: GitCloneParams = {}): Promise<string> {
    return this.operation("clone", { repo, branch, depth, directory });
  }

  checkout(ref: string, { create }: GitCheckoutParams = {}): Promise<string> {
    return this.operation("checkout", { ref, create });
  }

  diff({ range, base, head, path }: GitDiffParams = {}): Promise<string> {
    return this.operation("diff", { range, base, head, path });
  }

  log({ maxCount, range, path }: GitLogParams = {}): Promise<string> {
    return this.operation("log", { max_count: maxCount, range, path });
  }

  /** Fetches a pull request of GitHub's into a branch of its own, and checks that out. */
  async fetchPR(prNumber: number, params: GitFetchPRParams = {}): Promise<string> {
    if (!Number.isInteger(prNumber) || prNumber < 1) {
      throw new SandboxError("invalid_argument", `${prNumber} is no number of a pull request`);
    }
    const { remote = "origin", branchPrefix = "pr", directory } = params;
    const branch = `${branchPrefix}-${prNumber}`;
    const fetched = await this.#run(directory, ["fetch", remote, `pull/${prNumber}/head:${branch}`]);
    const checkedOut = await this.#run(directory, ["checkout", branch]);
    return [fetched, checkedOut].filter((said) => said !== "").join("\n");
  }

  async operation(
    operation: string,
    args: Readonly<Record<string, string | number | boolean | undefined>>,
  ): Promise<string> {
    const given = Object.entries(args).filter(([, value]) => value !== undefined && value !== "");
    const request = {
      operation,
      args: Object.fromEntries(given.map(([key, value]) => [key, String(value)])),
    };
    const { sessionId } = this.#dataPlane;
    return (await this.#rpc.sandbox("gitOperation", { sessionId, ...request }, { timeoutMs: gitTimeoutMs }))
      .output;
  }

  async #run(directory: string | undefined, args: readonly string[]): Promise<string> {
    const place = directory === undefined ? [] : ["-C", directory];
    const result = await exec(this.#dataPlane, "git", { args: [...place, ...args], timeoutMs: gitTimeoutMs });
    if (result.status === "SUCCEEDED") return stdoutText(result).trim();
    const message = `git ${args[0]} failed (exit_code=${result.exitCode}); check the repository, ref and access token: `;
    throw new GitOperationFailedError("failed_precondition", message + stderrText(result).trim());
  }
}
