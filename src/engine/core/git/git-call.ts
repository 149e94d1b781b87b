import { TenkiError } from "../../../domain/error.js";
import { homeDirectory } from "../../../domain/file.js";
import { resolveWorkingDirectory } from "../files/guest-path.js";
import { readRepositoryUrl, type Repository } from "./repository-url.js";

/** An operation as git is to be called for it. */
export interface GitCall {
  readonly operation: GitOperation;
  readonly argv: readonly string[];
  /** Where it runs; undefined: in the session's repository. */
  readonly directory: string | undefined;
  readonly clone?: CloneTarget | undefined;
}

export interface CloneTarget {
  readonly repository: Repository;
  /** Absolute. */
  readonly directory: string;
}

export type GitOperation = "clone" | "checkout" | "diff" | "log";

type Arguments = Readonly<Record<string, string>>;

interface Shape {
  readonly takes: readonly string[];
  readonly call: (args: Arguments) => Omit<GitCall, "operation" | "directory">;
}

/** Values stand behind `=`, or are checked not to be options, or follow `--`: none can become one. */
const shapes: Readonly<Record<GitOperation, Shape>> = {
  clone: { takes: ["repo", "branch", "depth", "directory"], call: cloneCall },
  checkout: { takes: ["ref", "create", "directory"], call: checkoutCall },
  diff: { takes: ["range", "base", "head", "path", "directory"], call: diffCall },
  log: { takes: ["max_count", "range", "path", "directory"], call: logCall },
};

export function readGitCall(operation: string, args: Arguments): GitCall {
  const shape = Object.hasOwn(shapes, operation) ? shapes[operation as GitOperation] : undefined;
  if (shape === undefined) throw wrong(`there is no git operation "${operation}"`);
  const unknown = Object.keys(args).find((name) => !shape.takes.includes(name));
  if (unknown !== undefined) {
    throw wrong(`git ${operation} takes no argument "${unknown}": it takes ${shape.takes.join(", ")}`);
  }
  const call = shape.call(args);
  const directory = call.clone === undefined ? directoryOf(args) : undefined;
  return { operation: operation as GitOperation, directory, ...call };
}

/** The call that clones a repository into its place below the home directory, or where `directory` says. */
export function cloneCall(args: Arguments): Pick<GitCall, "argv" | "clone"> {
  const repository = readRepositoryUrl(args["repo"] ?? "");
  const directory = directoryOf(args) ?? placeOf(repository);
  const { branch = "", depth = "" } = args;
  const how = [
    ...(branch === "" ? [] : [`--branch=${revision("branch", branch)}`]),
    // Every branch at that depth, so that another can be checked out afterwards.
    ...(depth === "" ? [] : [`--depth=${count("depth", depth)}`, "--no-single-branch"]),
  ];
  return {
    argv: ["clone", ...how, "--", repository.url, fromHome(directory)],
    clone: { repository, directory },
  };
}

/** A clone is made in the home directory, whatever that is called to the commands inside. */
const fromHome = (directory: string): string =>
  directory.startsWith(`${homeDirectory}/`) ? directory.slice(homeDirectory.length + 1) : directory;

function placeOf({ name }: Repository): string {
  if (name === "" || name === "." || name === "..") {
    throw wrong("the repository's URL names no directory to clone into", "say which: directory");
  }
  return resolveWorkingDirectory(name);
}

function checkoutCall(args: Arguments) {
  const ref = revision("ref", args["ref"] ?? "");
  return { argv: ["checkout", ...(flagged("create", args) ? ["-b", ref] : [ref]), "--"] };
}

function diffCall(args: Arguments) {
  const { range = "", base = "", head = "" } = args;
  if (range !== "" && (base !== "" || head !== ""))
    throw wrong("range stands for base and head: give one of both");
  if (head !== "" && base === "") throw wrong("head needs base");
  const revisions = [
    ...(range === "" ? [] : [revision("range", range)]),
    ...(base === "" ? [] : [revision("base", base)]),
    ...(head === "" ? [] : [revision("head", head)]),
  ];
  return { argv: ["diff", "--no-color", "--no-ext-diff", ...revisions, "--", ...pathOf(args)] };
}

function logCall(args: Arguments) {
  const { max_count: maxCount = "", range = "" } = args;
  const revisions = range === "" ? [] : [revision("range", range)];
  const limit = maxCount === "" ? [] : [`--max-count=${count("max_count", maxCount)}`];
  return { argv: ["log", "--no-color", ...limit, ...revisions, "--", ...pathOf(args)] };
}

function revision(name: string, value: string): string {
  if (value === "") throw wrong(`${name} is missing`);
  if (/^-|[\s\p{Cc}]/u.test(value)) throw wrong(`${name} is no name of a revision: "${printable(value)}"`);
  return value;
}

function count(name: string, value: string): string {
  if (/^[1-9]\d{0,8}$/.test(value)) return value;
  throw wrong(`${name} has to be a whole number, 1 or more`);
}

function flagged(name: string, args: Arguments): boolean {
  const value = args[name] ?? "false";
  if (value === "true" || value === "false") return value === "true";
  throw wrong(`${name} has to be true or false`);
}

function pathOf({ path = "" }: Arguments): string[] {
  if (path.includes("\0")) throw wrong("path cannot hold a NUL byte");
  return path === "" ? [] : [path];
}

function directoryOf({ directory = "" }: Arguments): string | undefined {
  if (directory.includes("\0")) throw wrong("directory cannot hold a NUL byte");
  return directory === "" ? undefined : resolveWorkingDirectory(directory);
}

const printable = (text: string): string => text.slice(0, 80).replace(/\p{Cc}/gu, "?");

const wrong = (message: string, hint?: string): TenkiError =>
  new TenkiError("invalid_argument", message, hint === undefined ? {} : { hint });
