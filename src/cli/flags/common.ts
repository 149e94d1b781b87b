import { TenkiError } from "../../domain/error.js";
import type { CommonOptions } from "../context.js";
import { flag, toggle, toggleFrom } from "./flag.js";
import { duration } from "./parsers/times.js";
import { endpoint } from "./parsers/addresses.js";
import { oneOf, uuid } from "./parsers/words.js";

/** Flags of every command; they may stand before it, too. */
export const commonFlags = {
  output: flag(
    "FORMAT",
    "text, json or yaml (default: text)",
    oneOf("output format", ["text", "json", "yaml"]),
    {
      short: "o",
    },
  ),
  json: toggle("the same as --output json"),
  endpoint: flag("URL", "the service's address; local is the engine on this machine", endpoint),
  workspace: flag("ID", "the workspace to work in", uuid),
  project: flag("ID", "the project to work in (deprecated by the service)", uuid),
  timeout: flag("DURATION", "how long one call may take (default: 30s)", duration),
  quiet: toggle("say nothing but the data", { short: "q" }),
  verbose: toggle("show the requests made", { short: "v" }),
  input: toggleFrom(true, "never ask"),
  color: toggleFrom(true, "no colours"),
  version: toggle("print the version"),
} as const;

/** The values of common flags as they stood at one place of the line; undefined where not given there. */
export type GivenCommon = Partial<Record<keyof typeof commonFlags, unknown>>;

/** What was given nearest to the end of the line counts. */
export function commonOptions(given: readonly GivenCommon[]): CommonOptions {
  const merged = given.reduce<GivenCommon>((all, some) => ({ ...all, ...defined(some) }), {});
  if (merged.json === true && merged.output !== undefined && merged.output !== "json") {
    throw new TenkiError("usage", `--json and --output ${merged.output as string} contradict each other`);
  }
  return {
    endpoint: merged.endpoint as string | undefined,
    workspace: merged.workspace as string | undefined,
    project: merged.project as string | undefined,
    timeoutMs: merged.timeout as number | undefined,
    output:
      merged.json === true ? "json" : ((merged.output as CommonOptions["output"] | undefined) ?? "text"),
    quiet: merged.quiet === true,
    verbose: merged.verbose === true,
    input: merged.input !== false,
    color: merged.color as boolean | undefined,
  };
}

function defined(values: GivenCommon): GivenCommon {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
