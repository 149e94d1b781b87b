import { TenkiError } from "../../domain/error.js";
import type { Io } from "../io.js";
import { wantsColor } from "./color.js";
import { jsonText } from "./json.js";
import { printable } from "./printable.js";
import { writeBytes } from "./write.js";

export interface ErrorReportOptions {
  readonly json: boolean;
  /** Also the stack and the causes. */
  readonly verbose: boolean;
  readonly color: boolean | undefined;
  /** Where the error has none of its own. */
  readonly hint?: string | undefined;
}

/** `error: …` and `hint: …` on stderr, or one JSON object. */
export async function reportError(error: unknown, io: Io, options: ErrorReportOptions): Promise<void> {
  const { kind, message: said } = asTenkiError(error);
  const message = kind === "invalid_argument" ? withoutRuleIds(said) : said;
  const hint = asTenkiError(error).hint ?? options.hint;
  if (options.json) {
    await writeBytes(io.stderr, jsonText({ error: { code: kind, message, hint } }));
    return;
  }
  const paint = await painter(io, options.color);
  const lines = [`${paint.red("error:")} ${printable(message)}`];
  if (hint !== undefined) lines.push(`${paint.cyan("hint:")} ${printable(hint)}`);
  if (options.verbose) lines.push(...stackOf(error));
  await writeBytes(io.stderr, `${lines.join("\n")}\n`);
}

/** A service that checks the contract's rules names them: `must be a valid UUID [string.uuid]`. */
const withoutRuleIds = (message: string): string =>
  message.replaceAll(/ \[[a-z_0-9]+(?:\.[a-z_0-9]+)+\](?=;|$)/g, "");

/** What is none of ours has not been foreseen: it is told as it is. */
export function asTenkiError(error: unknown): TenkiError {
  if (error instanceof TenkiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new TenkiError("internal", message, { cause: error });
}

async function painter(io: Io, color: boolean | undefined) {
  if (!wantsColor(io, io.stderr, color)) return { red: String, cyan: String };
  const { Chalk } = await import("chalk");
  return new Chalk({ level: 1 });
}

function stackOf(error: unknown): string[] {
  const lines: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) lines.push(at.stack ?? String(at));
  return lines;
}
